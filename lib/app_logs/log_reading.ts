/** Remembers how far a container's log was read, so that reading resumes without a gap or a repeated line. Pure. */

import { type LogLine, timeBytes } from "../docker/log_lines.ts";

/** How far a log was read: up to the line number `lines` of those with this `time`. */
export interface Position {
  /** RFC 3339 in UTC with nine decimals; empty when no line had a time. */
  time: string;
  lines: number;
}

/**
 * The state of reading one container's log. The engine repeats all lines at or after a time, so call `resume()` before
 * each new stream: then lines with the last time that were read before are skipped. A line without a time counts as the
 * oldest.
 */
export class LogReading {
  /** The latest time of a line, as its bytes; all zero for lines without one. */
  readonly #stamp = new Uint8Array(timeBytes);
  /** How many lines have it; 0 before the first line. */
  #lines = 0;
  /** Undefined when nothing is left to skip. */
  #toSkip: number | undefined;

  /** How far the log was read; undefined before the first line. */
  get position(): Position | undefined {
    if (this.#lines === 0) return undefined;
    return { time: this.#stamp[0] === 0 ? "" : new TextDecoder().decode(this.#stamp), lines: this.#lines };
  }

  /** To be called before reading a new stream that starts at `position.time`. */
  resume(): void {
    this.#toSkip = this.#lines === 0 ? undefined : this.#lines;
  }

  /** Takes the next lines of the stream and returns those that were not read before. */
  takeAll(lines: readonly LogLine[]): readonly LogLine[] {
    let skipped = 0;
    for (; this.#toSkip !== undefined && skipped < lines.length; skipped += 1) {
      const line = lines[skipped];
      if (line === undefined || !this.#skips(line)) break;
    }
    const fresh = skipped === 0 ? lines : lines.slice(skipped);
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
    // The engine stamps stdout and stderr separately, so a line can be slightly older than the previous one.
    if (order < 0) return;
    if (order > 0) {
      for (let index = 0; index < timeBytes; index += 1) this.#stamp[index] = line.source[line.stampAt + index] ?? 0;
      this.#lines = 0;
    }
    this.#lines += 1;
  }
}

/** Negative when the line's time is earlier than `stamp`. */
function compareStamp(line: LogLine, stamp: Uint8Array): number {
  if (line.stampAt < 0) return stamp[0] === 0 ? 0 : -1;
  for (let index = 0; index < timeBytes; index += 1) {
    const difference = (line.source[line.stampAt + index] ?? 0) - (stamp[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
