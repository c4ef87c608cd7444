/**
 * Finds the position up to which a container's log was read in another stream of the same log. It is found by its very
 * line, not by comparing times: the clock of a device may be set back.
 */

import type { Clock } from "../async/clock.ts";
import { LogLine } from "../docker/log_lines.ts";
import { hasStamp, type Position } from "./log_reading.ts";

const keptLimitBytes = 4 * 1024 * 1024;

/**
 * What is stored comes in one go. When none of it has come for so long, but perhaps lines that are being printed, the
 * position is not in the stream.
 */
const searchLimitMs = 1_000;

/**
 * Looks for a position in a stream that begins before it. Until it is found, the newest lines are kept: at most
 * `limitLines` and 4 MiB.
 */
export class PositionSearch {
  readonly #position: Position;
  readonly #stamp: Uint8Array;
  readonly #limitLines: number;
  #kept: LogLine[] = [];
  #keptBytes = 0;
  #seenLines = 0;
  /** Lines with the time of the position. */
  #lines = 0;
  #bytes = 0;
  #isAmong = false;
  #isFound = false;

  constructor(position: Position, options: { limitLines: number }) {
    this.#position = position;
    this.#stamp = new TextEncoder().encode(position.time);
    this.#limitLines = options.limitLines;
  }

  /** True when the position was passed. */
  get isFound(): boolean {
    return this.#isFound;
  }

  /** True when so many lines have come that the position is not among the first. */
  get isFull(): boolean {
    return !this.#isFound && this.#seenLines >= this.#limitLines;
  }

  /** The lines so far that are not after the position; all, when it was not found. They are copies. */
  get kept(): readonly LogLine[] {
    return this.#kept;
  }

  /** Takes the next lines and returns those after the position. */
  take(lines: readonly LogLine[]): readonly LogLine[] {
    if (this.#isFound) return lines;
    for (const [index, line] of lines.entries()) {
      const rest = this.#pass(line);
      if (rest !== undefined) return [...rest, ...lines.slice(index + 1)];
    }
    return [];
  }

  /** Undefined before the position is passed; then what of this line comes after it. */
  #pass(line: LogLine): LogLine[] | undefined {
    this.#seenLines += 1;
    if (!hasStamp(line, this.#stamp)) {
      if (this.#isAmong) return this.#found([line]);
      this.#keep(line);
      return undefined;
    }
    this.#isAmong = true;
    const { lines, bytes } = this.#position;
    const isRead = this.#lines < lines;
    const missing = isRead ? line.to - line.from : Math.max(0, bytes - this.#bytes);
    if (missing < line.to - line.from || (missing === 0 && !isRead)) {
      return this.#found([new LogLine(line.source, { ...line, from: line.from + missing })]);
    }
    this.#keep(line);
    this.#bytes = line.isEnd ? 0 : this.#bytes + line.to - line.from;
    if (line.isEnd) this.#lines += 1;
    const isPassed = line.isEnd && !isRead ? true : this.#lines === lines && this.#bytes === bytes;
    return isPassed ? this.#found([]) : undefined;
  }

  #found(rest: LogLine[]): LogLine[] {
    this.#isFound = true;
    return rest;
  }

  #keep(line: LogLine): void {
    const from = line.stampAt < 0 ? line.from : Math.min(line.from, line.stampAt);
    const source = line.source.slice(from, line.to);
    const stampAt = line.stampAt < 0 ? -1 : line.stampAt - from;
    this.#kept.push(new LogLine(source, { stampAt, from: line.from - from, to: line.to - from, isEnd: line.isEnd }));
    this.#keptBytes += source.length;
    while (this.#keptBytes > keptLimitBytes) this.#keptBytes -= this.#kept.shift()?.source.length ?? 0;
  }
}

/** What a search for a position waits with. */
type SearchClock = Pick<Clock, "now" | "sleep" | "wall">;

/** A stream of which the lines after a position are wanted; all of them without a search. */
export class SearchedStream implements AsyncDisposable {
  readonly #search: PositionSearch | undefined;
  readonly #onDecided: (search: PositionSearch) => void;
  readonly #clock: SearchClock;
  readonly #decided = new AbortController();
  /** Lines with an earlier time were stored when the stream began. */
  readonly #beganAt: string;
  #storedAtMs = 0;
  #limit: Promise<void> | undefined;

  /** `onDecided` is called once, when it is clear whether the position is in the stream. */
  constructor(
    search: PositionSearch | undefined,
    { onDecided, clock }: { onDecided: (search: PositionSearch) => void; clock: SearchClock },
  ) {
    this.#search = search;
    this.#onDecided = onDecided;
    this.#clock = clock;
    this.#beganAt = search === undefined ? "" : clock.wall().toISOString();
  }

  /** Takes the next lines and returns those after the position. */
  take(lines: readonly LogLine[]): readonly LogLine[] {
    const search = this.#search;
    if (search === undefined || this.#decided.signal.aborted) return lines;
    const fresh = search.take(lines);
    if (search.isFound || search.isFull) this.decide();
    else {
      // On a slow machine it takes a while until all of it is read.
      if (this.#limit === undefined || this.#isStored(lines.at(-1))) this.#storedAtMs = this.#clock.now();
      this.#limit ??= this.#decideLater();
    }
    return fresh;
  }

  /** Nothing more that is stored will come. */
  decide(): void {
    if (this.#search === undefined || this.#decided.signal.aborted) return;
    this.#decided.abort();
    this.#onDecided(this.#search);
  }

  /** Decides nothing any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#decided.abort();
    await this.#limit;
  }

  #isStored(line: LogLine | undefined): boolean {
    return line !== undefined && line.stampAt >= 0 && line.time < this.#beganAt;
  }

  async #decideLater(): Promise<void> {
    for (let leftMs = searchLimitMs; leftMs > 0;) {
      try {
        await this.#clock.sleep(leftMs, this.#decided.signal);
      } catch {
        // It was decided meanwhile.
        return;
      }
      leftMs = this.#storedAtMs + searchLimitMs - this.#clock.now();
    }
    this.decide();
  }
}
