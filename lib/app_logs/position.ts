/** Remembers how far a container's log was read, so that reading can go on after a cut without a gap or a line twice. Pure. */

import { type LogLine, timeBytes } from "../docker/log_lines.ts";

/** How far a log was read: up to `lines` lines that carry `time`. */
export interface Position {
  /** RFC 3339 with nine decimals, UTC; empty when no line had a time. */
  time: string;
  lines: number;
}

/**
 * Follows the reading of one container's log. The engine gives all lines at or after a time again, so a new stream begins with
 * `resume()`, and the lines at the last time that were seen before are skipped. A line without a time counts as older than all.
 */
export class LogReading {
  /** The latest time of a line, as its bytes; all zero for lines without one. */
  readonly #stamp = new Uint8Array(timeBytes);
  /** Lines that carry it; 0 before the first line. */
  #lines = 0;
  /** Undefined when nothing is to be skipped (any more). */
  #toSkip: number | undefined;

  /** How far was read; undefined before the first line. */
  get position(): Position | undefined {
    if (this.#lines === 0) return undefined;
    return { time: this.#stamp[0] === 0 ? "" : new TextDecoder().decode(this.#stamp), lines: this.#lines };
  }

  /** To be called before a new stream is read that starts at `position.time`. */
  resume(): void {
    this.#toSkip = this.#lines === 0 ? undefined : this.#lines;
  }

  /** Takes the next lines of the stream and gives those that were not seen before. */
  takeAll(lines: readonly LogLine[]): readonly LogLine[] {
    let seen = 0;
    for (; this.#toSkip !== undefined && seen < lines.length; seen += 1) {
      const line = lines[seen];
      if (line === undefined || !this.#skips(line)) break;
    }
    const fresh = seen === 0 ? lines : lines.slice(seen);
    for (const line of fresh) this.#note(line);
    return fresh;
  }

  #skips(line: LogLine): boolean {
    const order = compareStamp(line, this.#stamp);
    if (order < 0) return true;
    if (order > 0 || this.#toSkip === undefined || this.#toSkip === 0) {
      this.#toSkip = undefined;
      return false;
    }
    this.#toSkip -= 1;
    return true;
  }

  #note(line: LogLine): void {
    const order = compareStamp(line, this.#stamp);
    // The engine stamps stdout and stderr apart, so a line can be a little older than the one before; the position stays.
    if (order < 0) return;
    if (order > 0) {
      for (let index = 0; index < timeBytes; index += 1) this.#stamp[index] = line.source[line.stampAt + index] ?? 0;
      this.#lines = 0;
    }
    this.#lines += 1;
  }
}

/** Below zero when the line's time is earlier than `stamp`. */
function compareStamp(line: LogLine, stamp: Uint8Array): number {
  if (line.stampAt < 0) return stamp[0] === 0 ? 0 : -1;
  for (let index = 0; index < timeBytes; index += 1) {
    const difference = (line.source[line.stampAt + index] ?? 0) - (stamp[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
