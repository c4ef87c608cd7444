/** The wait of a failed app for its next try: one timer an app, and the count that makes the waits longer. */

import type { Clock } from "../base/clock.ts";
import { hasCode } from "../base/errors.ts";

/** What a retry works with. */
export interface RetryParts {
  clock: Clock;
  /** Milliseconds before try number `attempt` (1, 2, …). */
  delayMs(attempt: number): number;
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
  readonly #parts: RetryParts;
  #attempts = 0;
  #wait: AbortController | undefined;

  constructor(parts: RetryParts) {
    this.#parts = parts;
  }

  /** One more failure: begins the wait for the next try. */
  plan(): PlannedRetry {
    this.#wait?.abort();
    const wait = this.#wait = new AbortController();
    const attempt = this.#attempts += 1;
    const delayMs = this.#parts.delayMs(attempt);
    this.#parts.keep(this.#run(wait, delayMs));
    return { attempt, delayMs };
  }

  /** Ends the wait and forgets the failures. */
  clear(): void {
    this.#attempts = 0;
    this.stop();
  }

  /** Ends the wait; the failures still count. */
  stop(): void {
    this.#wait?.abort();
    this.#wait = undefined;
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
