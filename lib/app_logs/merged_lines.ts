/**
 * Puts the lines of several containers in the order of their times while old ones are read, which the engine sends one
 * container after the other; from then on they pass in the order in which they arrive.
 */

import type { Clock } from "../async/clock.ts";
import type { LogLine } from "../docker/log_lines.ts";
import type { ServicePosition } from "./log_reading.ts";

/** A line with what it takes to put it in order. */
export interface MergedLine {
  /** With the name of its service; its bytes are its own. */
  line: LogLine;
  /** As `LogLine.time`; empty without one. */
  time: string;
}

/** Where lines go. */
export interface MergedLinesDeps {
  /** `positions`: those that these lines have reached. */
  onLines(lines: readonly LogLine[], positions: readonly ServicePosition[]): void;
  /** Lines that an earlier agent has shown. */
  onOldLines(lines: readonly LogLine[]): void;
  clock: Clock;
}

/** A stream of which nothing has come for so long has no old lines left. */
const quietMs = 200;
const firstQuietMs = 1_000;

const checkQuietEveryMs = 100;

/** Bytes that wait at most until they are in order. */
export const mergeLimitBytes = 1_048_576;

interface Waiting extends MergedLine {
  /** Its time, or that of a line before it in the same stream: no stream is put in another order than its own. */
  key: string;
  source: string;
  isOld: boolean;
  position: ServicePosition | undefined;
}

interface Reading {
  beganAt: string;
  quietAtMs: number;
  key: string;
}

/** Holds at most 1 MiB. */
export class MergedLines implements AsyncDisposable {
  readonly #deps: MergedLinesDeps;
  /** Streams that may still have old lines. */
  readonly #reading = new Map<string, Reading>();
  #waiting: Waiting[] = [];
  #bytes = 0;
  readonly #life = new AbortController();
  #checking: Promise<void> | undefined;

  constructor(deps: MergedLinesDeps) {
    this.#deps = deps;
  }

  /** A stream begins with what is stored of a log. */
  open(source: string): void {
    const { clock } = this.#deps;
    const beganAt = clock.wall().toISOString();
    this.#reading.set(source, { beganAt, quietAtMs: clock.now() + firstQuietMs, key: "" });
    this.#checking ??= this.#check();
  }

  /** Takes the next lines of a stream. `position`: that of the last one. */
  take(
    source: string,
    lines: readonly MergedLine[],
    { position, isOld = false }: { position?: ServicePosition | undefined; isOld?: boolean } = {},
  ): void {
    if (this.#reading.size === 0) return this.#pass(lines, { position, isOld });
    const reading = this.#reading.get(source);
    for (const [index, { line, time }] of lines.entries()) {
      const key = laterOf(reading?.key ?? "", time === "" && reading === undefined ? endOfTime : time);
      if (reading !== undefined) reading.key = key;
      const isLast = index === lines.length - 1;
      this.#waiting.push({ line, time, key, source, isOld, position: isLast ? position : undefined });
      this.#bytes += line.to - line.from;
    }
    if (reading !== undefined) this.#note(source, reading);
    if (this.#bytes > mergeLimitBytes) this.#spill();
  }

  /** The stream has ended. */
  close(source: string): void {
    if (this.#reading.delete(source)) this.#release();
  }

  /** Hands over what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#reading.clear();
    this.#release();
    this.#life.abort();
    await this.#checking;
  }

  #note(source: string, reading: Reading): void {
    reading.quietAtMs = this.#deps.clock.now() + quietMs;
    if (reading.key < reading.beganAt) return;
    this.#reading.delete(source);
    this.#release();
  }

  #release(): void {
    if (this.#reading.size === 0) this.#handOver(this.#inOrder());
  }

  /** First what no stream can have anything before. */
  #spill(): void {
    const sorted = this.#inOrder();
    const keys = [...this.#reading.values()].map(({ key }) => key);
    const safeKey = keys.reduce((least, key) => key < least ? key : least, endOfTime);
    const safe = sorted.findIndex(({ key }) => key > safeKey);
    this.#waiting = safe > 0 ? sorted.slice(safe) : [];
    this.#handOver(safe > 0 ? sorted.slice(0, safe) : sorted, this.#waiting);
  }

  #inOrder(): Waiting[] {
    return this.#waiting.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  }

  #handOver(lines: readonly Waiting[], rest: Waiting[] = []): void {
    this.#waiting = rest;
    this.#bytes = rest.reduce((sum, { line }) => sum + line.to - line.from, 0);
    const old = lines.filter(({ isOld }) => isOld).map(({ line }) => line);
    if (old.length > 0) this.#deps.onOldLines(old);
    const positions = lines.map(({ position }) => position).filter((position) => position !== undefined);
    const fresh = lines.filter(({ isOld }) => !isOld).map(({ line }) => line);
    if (fresh.length > 0 || positions.length > 0) this.#deps.onLines(fresh, positions);
  }

  #pass(lines: readonly MergedLine[], of: { position: ServicePosition | undefined; isOld: boolean }): void {
    const plain = lines.map(({ line }) => line);
    if (of.isOld) return this.#deps.onOldLines(plain);
    this.#deps.onLines(plain, of.position === undefined ? [] : [of.position]);
  }

  async #check(): Promise<void> {
    const { clock } = this.#deps;
    while (this.#reading.size > 0) {
      try {
        await clock.sleep(checkQuietEveryMs, this.#life.signal);
      } catch {
        // Disposed: everything was handed over.
        return;
      }
      const now = clock.now();
      for (const [source, { quietAtMs }] of this.#reading) if (quietAtMs <= now) this.#reading.delete(source);
      this.#release();
    }
    this.#checking = undefined;
  }
}

/** Later than every time. */
const endOfTime = "~";

function laterOf(a: string, b: string): string {
  return a > b ? a : b;
}
