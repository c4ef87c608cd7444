/** Remembers how far a container's log was read, so that reading can go on after a cut without a gap or a line twice. Pure. */

/** A line of a container with the time the engine gave it (RFC 3339 with nanoseconds, UTC). */
export interface TimedLine {
  time: string;
  text: string;
}

/** How far a log was read: up to `lines` lines that carry `time`. */
export interface Position {
  time: string;
  lines: number;
}

/**
 * Follows the reading of one container's log. The engine gives all lines at or after a time again, so a new stream begins with
 * `resume()`, and the lines at the last time that were seen before are skipped.
 */
export class LogReading {
  #position: Position | undefined;
  #toSkip: Position | undefined;

  /** How far was read; undefined before the first line. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** To be called before a new stream is read that starts at `position.time`. */
  resume(): void {
    this.#toSkip = this.#position === undefined ? undefined : { ...this.#position };
  }

  /** Takes the next line of the stream; false when it was seen before. */
  take(line: TimedLine): boolean {
    if (this.#skips(line.time)) return false;
    const order = this.#position === undefined ? 1 : compareTimes(line.time, this.#position.time);
    if (order > 0) this.#position = { time: line.time, lines: 1 };
    // The engine stamps stdout and stderr apart, so a line can be a little older than the one before; the position stays.
    else if (order === 0 && this.#position !== undefined) this.#position.lines += 1;
    return true;
  }

  #skips(time: string): boolean {
    const skip = this.#toSkip;
    if (skip === undefined) return false;
    const order = compareTimes(time, skip.time);
    if (order < 0) return true;
    if (order > 0 || skip.lines === 0) {
      this.#toSkip = undefined;
      return false;
    }
    skip.lines -= 1;
    return true;
  }
}

/** Orders two times of one engine: below zero when `one` is earlier. The engine may leave out trailing zeros of the fraction. */
export function compareTimes(one: string, other: string): number {
  const [a, b] = [split(one), split(other)];
  if (a.seconds !== b.seconds) return a.seconds < b.seconds ? -1 : 1;
  if (a.fraction === b.fraction) return 0;
  return a.fraction < b.fraction ? -1 : 1;
}

function split(time: string): { seconds: string; fraction: string } {
  const fraction = /^\.([0-9]+)/.exec(time.slice(19))?.[1] ?? "";
  return { seconds: time.slice(0, 19), fraction: fraction.padEnd(9, "0") };
}
