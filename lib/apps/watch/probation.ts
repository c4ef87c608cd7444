/** The time in which a new release has to prove that it runs. */

import type { Clock } from "../../async/clock.ts";
import { hasCode } from "../../base/errors.ts";

/** A release that has run for so long after an update stays. */
export const probationMs = 60_000;

/** What a probation works with. */
export interface ProbationDeps {
  clock: Clock;
  /** The time is over; whether the release still runs is for the caller to see. */
  onOver(): void;
  /** Takes over the wait, and what it or `onOver` fails with. */
  keep(task: Promise<void>): void;
}

/** At most one wait runs. */
export class Probation {
  readonly #parts: ProbationDeps;
  #wait: AbortController | undefined;
  #isOver = false;

  constructor(parts: ProbationDeps) {
    this.#parts = parts;
  }

  /** True from the end of the time until `stop()`. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The release runs: begins the time, unless it has begun. */
  begin(): void {
    if (this.#wait !== undefined || this.#isOver) return;
    const wait = this.#wait = new AbortController();
    this.#parts.keep(this.#run(wait));
  }

  /** The release does not run, or there is none on probation: the time begins anew with the next `begin()`. */
  stop(): void {
    this.#wait?.abort();
    this.#wait = undefined;
    this.#isOver = false;
  }

  async #run(wait: AbortController): Promise<void> {
    try {
      await this.#parts.clock.sleep(probationMs, wait.signal);
    } catch (error) {
      if (hasCode(error, "canceled")) return;
      throw error;
    }
    this.#wait = undefined;
    this.#isOver = true;
    this.#parts.onOver();
  }
}
