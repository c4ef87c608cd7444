/** Decides how long to wait before the next dial. */

import { redialWaitMs } from "../async/backoff.ts";
import type { Clock } from "../async/clock.ts";

// A session that ends sooner did not work: the next dial then waits longer, so that a router which ends sessions at
// once, or two clients that displace each other, do not cause a tight loop of dials.
const workingSessionMs = 5_000;

/** The schedule of one link. The first dial, and the first one after a session that worked, are immediate. */
export class RedialSchedule {
  readonly #clock: Pick<Clock, "now">;
  readonly #random: () => number;
  #attempt = 0;
  #shortSessions = 0;
  #awaySinceMs: number | undefined;
  #lastDialMs = 0;

  constructor(options: { clock: Pick<Clock, "now">; random: () => number }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  /** How many dials have failed in a row. */
  get attempt(): number {
    return this.#attempt;
  }

  /**
   * Draws the wait before the next dial. It counts from the start of the last dial, which may have been a long wait
   * itself.
   */
  drawWaitMs(): number {
    this.#awaySinceMs ??= this.#clock.now();
    const awayMs = this.#clock.now() - this.#awaySinceMs;
    return redialWaitMs(this.#attempt, { awayMs, random: this.#random() }) - this.#lastDialMs;
  }

  /** A dial has ended, however it ended. */
  onDialEnd(tookMs: number): void {
    this.#lastDialMs = tookMs;
  }

  /** A dial has failed: the next one waits longer. */
  onFailure(): void {
    this.#attempt += 1;
  }

  /** Something has changed that makes an immediate dial worthwhile. */
  reset(): void {
    this.#attempt = 0;
  }

  /** A session has ended after so many milliseconds. */
  onSessionEnd(lastedMs: number): void {
    this.#shortSessions = lastedMs < workingSessionMs ? this.#shortSessions + 1 : 0;
    this.#attempt = Math.max(0, this.#shortSessions - 1);
    this.#awaySinceMs = this.#clock.now();
  }
}
