/** The wait of a failed app for its next try: one timer per app, and the count that makes the waits longer. */

import type { Clock } from "../../async/clock.ts";
import { hasCode } from "../../base/errors.ts";

/** What a retry works with. */
export interface RetryDeps {
  clock: Clock;
  /** Milliseconds before try number `attempt` (1, 2, …). */
  delayMs(attempt: number): number;
  /** The failures in a row that were counted before the agent was restarted. Called once, before the first use. */
  load(): number;
  /** Stores the count. */
  save(attempts: number): void;
  /** Called when the wait is over. */
  onDue(): void;
  /** Takes over the wait, and whatever it or `onDue` throws. */
  keep(task: Promise<void>): void;
}

/** A try that is due later. */
export interface ScheduledRetry {
  attempt: number;
  delayMs: number;
}

/** At most one wait runs; a new one replaces it. */
export class Retry {
  readonly #deps: RetryDeps;
  #attempts: number | undefined;
  #wait: AbortController | undefined;

  constructor(deps: RetryDeps) {
    this.#deps = deps;
  }

  /** Counts a failure and begins the wait for the next try. */
  schedule(): ScheduledRetry {
    this.#wait?.abort();
    const wait = this.#wait = new AbortController();
    const attempt = this.#attempts = this.#count() + 1;
    this.#deps.save(attempt);
    const delayMs = this.#deps.delayMs(attempt);
    this.#deps.keep(this.#run(wait, delayMs));
    return { attempt, delayMs };
  }

  /** Begins a wait of `delayMs` for the next try, and counts no failure. */
  scheduleIn(delayMs: number): void {
    this.#wait?.abort();
    const wait = this.#wait = new AbortController();
    this.#deps.keep(this.#run(wait, delayMs));
  }

  /** True while a try is to come. */
  get isWaiting(): boolean {
    return this.#wait !== undefined;
  }

  /** Ends the wait and forgets the failures. */
  reset(): void {
    if (this.#count() > 0) this.#deps.save(0);
    this.#attempts = 0;
    this.stop();
  }

  /** Ends the wait; the failures still count. */
  stop(): void {
    this.#wait?.abort();
    this.#wait = undefined;
  }

  #count(): number {
    return this.#attempts ??= this.#deps.load();
  }

  async #run(wait: AbortController, delayMs: number): Promise<void> {
    try {
      await this.#deps.clock.sleep(delayMs, wait.signal);
    } catch (error) {
      if (hasCode(error, "canceled")) return;
      throw error;
    }
    if (this.#wait === wait) this.#wait = undefined;
    this.#deps.onDue();
  }
}
