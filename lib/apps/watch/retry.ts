/** The wait of a failed app for its next try: one timer an app, and the count that makes the waits longer. */

import type { Clock } from "../../async/clock.ts";
import { hasCode } from "../../base/errors.ts";

/** What a retry works with. */
export interface RetryDeps {
  clock: Clock;
  /** Milliseconds before try number `attempt` (1, 2, …). */
  delayMs(attempt: number): number;
  /** How many failures in a row an earlier life of the agent has counted. Asked once, before the first use. */
  load(): number;
  /** Keeps the count. */
  save(attempts: number): void;
  /** The wait is over. */
  onDue(): void;
  /** Takes over the wait, and what it or `onDue` fails with. */
  keep(task: Promise<void>): void;
}

/** A try that waits for its time. */
export interface PlannedRetry {
  attempt: number;
  delayMs: number;
}

/** At most one wait runs. A new plan replaces it. */
export class Retry {
  readonly #parts: RetryDeps;
  #attempts: number | undefined;
  #wait: AbortController | undefined;

  constructor(parts: RetryDeps) {
    this.#parts = parts;
  }

  /** One more failure: begins the wait for the next try. */
  plan(): PlannedRetry {
    this.#wait?.abort();
    const wait = this.#wait = new AbortController();
    const attempt = this.#attempts = this.#count() + 1;
    this.#parts.save(attempt);
    const delayMs = this.#parts.delayMs(attempt);
    this.#parts.keep(this.#run(wait, delayMs));
    return { attempt, delayMs };
  }

  /** Ends the wait and forgets the failures. */
  clear(): void {
    if (this.#count() > 0) this.#parts.save(0);
    this.#attempts = 0;
    this.stop();
  }

  /** Ends the wait; the failures still count. */
  stop(): void {
    this.#wait?.abort();
    this.#wait = undefined;
  }

  #count(): number {
    return this.#attempts ??= this.#parts.load();
  }

  async #run(wait: AbortController, delayMs: number): Promise<void> {
    try {
      await this.#parts.clock.sleep(delayMs, wait.signal);
    } catch (error) {
      if (hasCode(error, "canceled")) return;
      throw error;
    }
    if (this.#wait === wait) this.#wait = undefined;
    this.#parts.onDue();
  }
}
