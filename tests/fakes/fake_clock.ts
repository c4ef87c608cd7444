/**
 * A clock that stands still until a test moves it. Sleeps end in the order of their time, as they would by themselves.
 */

import type { Clock } from "../../lib/async/clock.ts";
import { AgentError } from "../../lib/base/errors.ts";

interface Sleeper {
  atMs: number;
  wake(): void;
}

/** Time for tests. Starts at 0, with a wall time of 2026-01-01T00:00:00Z unless told otherwise. */
export class FakeClock implements Clock {
  readonly #wallStartMs: number;
  #nowMs = 0;
  #wallShiftMs = 0;
  #sleepers: Sleeper[] = [];
  #onSleep: (() => void)[] = [];

  constructor(options: { wall?: Date } = {}) {
    this.#wallStartMs = (options.wall ?? new Date("2026-01-01T00:00:00Z")).getTime();
  }

  now(): number {
    return this.#nowMs;
  }

  wall(): Date {
    return new Date(this.#wallStartMs + this.#nowMs + this.#wallShiftMs);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const canceled = () => reject(new AgentError("canceled", "The wait was canceled"));
    if (signal?.aborted) {
      canceled();
      return promise;
    }
    const onAbort = () => {
      this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
      canceled();
    };
    const sleeper = {
      atMs: this.#nowMs + Math.max(0, ms),
      wake: () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      },
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#sleepers.push(sleeper);
    for (const tell of this.#onSleep.splice(0)) tell();
    return promise;
  }

  /** How many sleeps wait. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** When the next sleep ends, in milliseconds from now; undefined when nothing sleeps. */
  get nextInMs(): number | undefined {
    const times = this.#sleepers.map((sleeper) => sleeper.atMs - this.#nowMs);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /**
   * Moves time on by `ms`. Sleeps that end within it, also those begun on the way, end one after the other, and what
   * waits for them runs before the next one ends. Work that waits for the outside world is not waited for.
   */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      const due = this.#sleepers.reduce<Sleeper | undefined>(
        (first, sleeper) => sleeper.atMs <= targetMs && (!first || sleeper.atMs < first.atMs) ? sleeper : first,
        undefined,
      );
      if (due === undefined) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.wake();
      await settle();
    }
    this.#nowMs = targetMs;
  }

  /**
   * Resolves when at least `count` sleeps wait: for a test whose subject talks to the outside world before it sleeps.
   */
  async untilSleeping(count = 1): Promise<void> {
    while (this.#sleepers.length < count) await new Promise<void>((resolve) => this.#onSleep.push(resolve));
  }

  /** Lets the wall time jump, forwards or backwards; monotonic time does not notice. */
  jumpWall(ms: number): void {
    this.#wallShiftMs += ms;
  }
}

/** Lets everything run that only waits for promises. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
