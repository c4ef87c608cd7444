/** The time in which a new release has to prove that it runs. */

import type { Clock } from "../../async/clock.ts";
import { hasCode } from "../../base/errors.ts";

/** A release that has run for this long after an update stays. */
export const probationMs = 60_000;

/** What a probation works with. */
export interface ProbationDeps {
  clock: Clock;
  /** Called when the time is over; the caller has to see whether the release still runs. */
  onOver(): void;
  /** Takes over the wait, and whatever it or `onOver` throws. */
  keep(task: Promise<void>): void;
}

/** At most one wait runs. */
export class Probation {
  readonly #deps: ProbationDeps;
  #wait: AbortController | undefined;
  #isOver = false;

  constructor(deps: ProbationDeps) {
    this.#deps = deps;
  }

  /** True from the end of the time until `stop()`. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The release runs: begins the time unless it has begun already. */
  begin(): void {
    if (this.#wait !== undefined || this.#isOver) return;
    const wait = this.#wait = new AbortController();
    this.#deps.keep(this.#run(wait));
  }

  /** The release does not run, or is not on probation: the next `begin()` starts over. */
  stop(): void {
    this.#wait?.abort();
    this.#wait = undefined;
    this.#isOver = false;
  }

  async #run(wait: AbortController): Promise<void> {
    try {
      await this.#deps.clock.sleep(probationMs, wait.signal);
    } catch (error) {
      if (hasCode(error, "canceled")) return;
      throw error;
    }
    this.#wait = undefined;
    this.#isOver = true;
    this.#deps.onOver();
  }
}
