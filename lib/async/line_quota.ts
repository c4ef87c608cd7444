/** Keeps what others can cause at will from filling the log. */

import type { Clock } from "./clock.ts";

/** How many lines are written in which time. */
export interface Quota {
  lines: number;
  perMs: number;
}

/** For lines that anybody on the other side of a connection can cause. */
export const foreignLines: Quota = { lines: 5, perMs: 60_000 };

/** The quota of one kind of line. */
export class LineQuota {
  readonly #quota: Quota;
  readonly #clock: Pick<Clock, "now">;
  #beganAtMs = -Infinity;
  #lines = 0;
  #omitted = 0;

  constructor(quota: Quota, clock: Pick<Clock, "now">) {
    this.#quota = quota;
    this.#clock = clock;
  }

  /**
   * Calls `write` unless the quota of the period is used up; then the line is counted. `write` gets fields for the log:
   * how many lines were left out since the last one, if any were.
   */
  run(write: (omitted: { omitted?: number }) => void): void {
    const nowMs = this.#clock.now();
    if (nowMs - this.#beganAtMs >= this.#quota.perMs) {
      this.#beganAtMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines >= this.#quota.lines) {
      this.#omitted += 1;
      return;
    }
    this.#lines += 1;
    const omitted = this.#omitted;
    this.#omitted = 0;
    write(omitted === 0 ? {} : { omitted });
  }
}
