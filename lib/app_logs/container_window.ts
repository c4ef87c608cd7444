/** Reads the newest lines of a window of one container's stored log, without more of the log than that needs. */

import { type TimeWindow, utcSecondsText } from "../base/rfc3339.ts";
import { lineLimitBytes } from "../base/lines.ts";
import { type LogLine, timeBytes } from "../docker/log_lines.ts";
import { type KeptLine, LineJoiner, NewestLines } from "./newest_lines.ts";

/** What is needed of the engine. */
export interface StoredLogEngine {
  /**
   * The stored log, oldest line first; lines are valid until the next are asked for. Throws `container_missing`,
   * `canceled`, `engine_unreachable`, `engine_failed`.
   */
  storedLogs(
    id: string,
    options: { tty: boolean; tail?: number; signal: AbortSignal },
  ): AsyncIterable<readonly LogLine[]>;
}

/** A container whose log is read. */
export interface LoggedContainer {
  id: string;
  tty: boolean;
  /** As the engine reports it. */
  status: string;
}

/** The newest lines of a window. */
export interface WindowLines {
  /** Oldest first. */
  lines: KeptLine[];
  /** Older ones of those that were wanted are missing, because all together are too long. */
  isCut: boolean;
  /** The time of the oldest line that the engine still has, in UTC with whole seconds; undefined without lines. */
  oldest: string | undefined;
}

/** Of the lines of one log that are kept while it is read. */
export const keptBytes = 12 * 1024 * 1024;

/** How much more is read each time that what was read does not hold enough lines. */
const tailGrowth = 8;

/** Above so many messages, all are read. */
const longestTail = 20_000_000;

/**
 * In so much log lines are looked for wherever they are, whatever the clock did meanwhile: more than engines keep of a
 * container as the device configures them. In a longer one, half of what was read in one piece from before the window
 * is the end of the search.
 */
export const clockJumpBytes = 32 * 1024 * 1024;

/**
 * The newest `wanted` lines of the window, less when they have more than 12 MiB. The engine finds the end of a log at
 * once, so more and more of it is read until it holds enough lines. The window is applied here, because the engine
 * counts lines before it looks at their times, and stops at the first line behind the window. Throws as `storedLogs()`.
 */
export async function readWindowLines(
  engine: StoredLogEngine,
  container: LoggedContainer,
  options: { wanted: number; window: TimeWindow; signal: AbortSignal },
): Promise<WindowLines> {
  const { wanted, window, signal } = options;
  const first = await readFirstLine(engine, container, signal);
  const oldest = first.secondsText;
  for (let tail = wanted + 1;; tail *= tailGrowth) {
    const isWhole = tail > longestTail;
    const reading = new WindowReading(window, wanted);
    const query = { tty: container.tty, signal, ...(isWhole ? {} : { tail }) };
    for await (const batch of engine.storedLogs(container.id, query)) reading.take(batch);
    const { isCut } = reading;
    if (isWhole || reading.first.equals(first)) return { lines: reading.lines, isCut, oldest };
    if (reading.hasEnough || reading.isBehindWindow) return { lines: reading.certainLines, isCut, oldest };
  }
}

async function readFirstLine(
  engine: StoredLogEngine,
  { id, tty }: LoggedContainer,
  signal: AbortSignal,
): Promise<FirstLine> {
  const first = new FirstLine();
  for await (const batch of engine.storedLogs(id, { tty, signal })) {
    for (const line of batch) first.take(line);
    if (first.isComplete) break;
  }
  return first;
}

/** What tells the first line of a reading from others. */
class FirstLine {
  #time: string | undefined;
  #size = 0;
  isComplete = false;

  /** Takes all lines of a reading in their order. */
  take(line: LogLine): void {
    if (this.isComplete) return;
    this.#time ??= line.time;
    if (this.#time !== line.time) return;
    this.#size += line.to - line.from;
    this.isComplete = line.isEnd || this.#size >= lineLimitBytes;
  }

  get secondsText(): string | undefined {
    const ms = Date.parse(this.#time ?? "");
    return Number.isNaN(ms) ? undefined : utcSecondsText(ms);
  }

  equals(other: FirstLine): boolean {
    return this.#time === other.#time && this.#size === other.#size;
  }
}

/** One pass over the end of a log. */
class WindowReading {
  readonly first = new FirstLine();
  readonly #since: Uint8Array | undefined;
  readonly #until: Uint8Array | undefined;
  readonly #joiner = new LineJoiner();
  readonly #newest: NewestLines;
  readonly #wanted: number;
  /** The first line of all, if it is in the window. */
  #firstInside: KeptLine | undefined;
  #bytes = 0;
  #count = 0;
  /** Lines at the start, without one of the window or behind it among them. */
  #countBefore = 0;
  #isInside = true;

  constructor({ sinceMs, untilMs }: TimeWindow, wanted: number) {
    this.#since = sinceMs === undefined ? undefined : boundBytes(sinceMs);
    this.#until = untilMs === undefined ? undefined : boundBytes(untilMs);
    this.#wanted = wanted;
    this.#newest = new NewestLines({ lines: wanted, bytes: keptBytes });
  }

  take(batch: readonly LogLine[]): void {
    for (const line of batch) this.#take(line);
  }

  get lines(): KeptLine[] {
    return this.#newest.kept;
  }

  /** Without the first line that was read, which may be the end of a long one. */
  get certainLines(): KeptLine[] {
    return this.lines.filter((line) => line !== this.#firstInside);
  }

  get isCut(): boolean {
    return this.lines.length < Math.min(this.#newest.count, this.#wanted);
  }

  get hasEnough(): boolean {
    return this.#newest.count - (this.#firstInside === undefined ? 0 : 1) >= this.#wanted;
  }

  get isBehindWindow(): boolean {
    return this.#bytes >= clockJumpBytes && this.#countBefore * 2 >= this.#count;
  }

  #take(line: LogLine): void {
    this.first.take(line);
    this.#judge(line);
    this.#count += 1;
    this.#bytes += timeBytes + line.to - line.from;
    if (!this.#isInside) return;
    const { kept, isNew } = this.#joiner.take(line);
    if (!isNew) return this.#newest.noteAppended(kept, line.to - line.from);
    this.#newest.add(kept);
    if (this.#count === 1) this.#firstInside = kept;
  }

  /** A message of the engine, which has no time, belongs to the line before it. */
  #judge(line: LogLine): void {
    if (line.stampAt < 0) return;
    const isBefore = this.#since !== undefined && compareStamp(line, this.#since) < 0;
    if (isBefore && this.#countBefore === this.#count) this.#countBefore += 1;
    this.#isInside = !isBefore && (this.#until === undefined || compareStamp(line, this.#until) <= 0);
  }
}

/** Negative, 0 or positive: the time of a line before, at or after a bound. */
function compareStamp({ source, stampAt }: LogLine, bound: Uint8Array): number {
  for (let index = 0; index < timeBytes; index += 1) {
    const difference = (source[stampAt + index] ?? 0) - (bound[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

const firstYearMs = Date.UTC(0, 0, 1) - 1900 * 366 * 86_400_000;
const lastYearMs = Date.UTC(9999, 0, 1);

/** A bound as the bytes of a stamp. */
function boundBytes(ms: number): Uint8Array {
  const seconds = utcSecondsText(Math.min(Math.max(ms, firstYearMs), lastYearMs));
  return new TextEncoder().encode(`${seconds.slice(0, -1)}.000000000Z`);
}
