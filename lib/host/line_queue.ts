/** Hands lines over to somebody who may be slow, without ever making their writer wait. */

import { systemClock } from "../async/clock.ts";
import { waitAtMost } from "../async/deadline.ts";

/** Takes lines in their order; one call at a time. */
export type OnLines = (lines: readonly string[]) => void | Promise<void>;

/** What waits at most. */
export const lineQueueLimits = { lines: 4_096, chars: 8 * 1024 * 1024 } as const;

/**
 * Lines on their way. Invariants: `#chars` is the length of all of `#waiting`; `#handing` is there while a call of
 * `onLines` is open or about to be made.
 */
export class LineQueue {
  readonly #onLines: OnLines | undefined;
  #waiting: string[] = [];
  #chars = 0;
  #dropped = 0;
  #handing: Promise<void> | undefined;
  #isBusy = false;
  #error: unknown;

  /** Without `onLines` every line is forgotten at once. */
  constructor(onLines: OnLines | undefined) {
    this.#onLines = onLines;
  }

  /** Lines that found no place. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Adds a line; beyond 4096 lines or 8 Mi characters it is dropped. Never throws. */
  add(line: string): void {
    if (this.#onLines === undefined || this.#error !== undefined) return;
    if (this.#isFull(line) && !this.#isBusy) this.#handOver(this.#onLines);
    if (this.#isFull(line)) return void (this.#dropped += 1);
    this.#waiting.push(line);
    this.#chars += line.length;
    // The lines of one read are handed over together.
    this.#handing ??= Promise.resolve().then(() => this.#handOver(this.#onLines));
  }

  /** Waits until all is handed over, but not above `limitMs`; the rest is dropped. Returns what `onLines` threw. */
  async finish(options: { limitMs: number; signal: AbortSignal }): Promise<unknown> {
    const handedOver = this.#waitForAll();
    await waitAtMost(handedOver, { ...options, clock: systemClock });
    this.#dropped += this.#waiting.length;
    this.#take();
    return this.#error;
  }

  async #waitForAll(): Promise<void> {
    while (this.#handing !== undefined) await this.#handing;
  }

  #isFull(line: string): boolean {
    const { lines, chars } = lineQueueLimits;
    return this.#waiting.length >= lines || this.#chars + line.length > chars;
  }

  /** Never throws or rejects. */
  #handOver(onLines: OnLines | undefined): Promise<void> | undefined {
    if (this.#isBusy) return this.#handing;
    this.#handing = undefined;
    if (onLines === undefined || this.#waiting.length === 0) return undefined;
    try {
      const answer = onLines(this.#take());
      if (answer === undefined) return undefined;
      this.#isBusy = true;
      this.#handing = this.#awaitAnswer(answer, onLines);
      return this.#handing;
    } catch (error) {
      this.#error = error;
      this.#take();
      return undefined;
    }
  }

  async #awaitAnswer(answer: Promise<void>, onLines: OnLines): Promise<void> {
    try {
      await answer;
    } catch (error) {
      this.#error = error;
      this.#take();
    }
    this.#isBusy = false;
    this.#handOver(onLines);
  }

  #take(): string[] {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#chars = 0;
    return lines;
  }
}
