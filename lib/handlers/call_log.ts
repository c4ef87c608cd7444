/** Logs calls, without letting callers that never stop push everything else out of the log. */

import type { Clock } from "../async/clock.ts";
import type { Quota } from "../async/line_quota.ts";
import type { Log, LogFields } from "../base/log.ts";

/** How a call ended. A refusal is of a caller without the privilege. */
export type CallOutcome = "answered" | "failed" | "refused";

/** Logs one call of a procedure. `fields` is called only when a line is written. */
export type LogCall = (outcome: CallOutcome, caller: string | undefined, fields: () => LogFields) => void;

/** Of one procedure and outcome. */
const quotas: Readonly<Record<CallOutcome, Quota>> = {
  answered: { lines: 5, perMs: 1_000 },
  failed: { lines: 5, perMs: 60_000 },
  refused: { lines: 5, perMs: 60_000 },
};

/** Callers that are counted by name in one period; further ones are counted together. */
const callerLimit = 10;

/**
 * The log of one procedure: at most five lines a second about answered calls, and five a minute each about failed and
 * about refused ones. Calls beyond that are counted by caller; the next line of the outcome has the count.
 */
export function createCallLog({ log, clock }: { log: Log; clock: Pick<Clock, "now"> }): LogCall {
  const periods = {
    answered: new Period(quotas.answered, clock),
    failed: new Period(quotas.failed, clock),
    refused: new Period(quotas.refused, clock),
  };
  return (outcome, caller, fields) => {
    const omitted = periods[outcome].take(caller);
    if (omitted === undefined) return;
    const all = Object.keys(omitted).length === 0 ? fields() : { ...fields(), omitted };
    if (outcome === "answered") log.debug("Answered a call", all);
    else log.warn(outcome === "failed" ? "A call failed" : "Refused a call", all);
  };
}

/** Counts the lines of one period. */
class Period {
  readonly #quota: Quota;
  readonly #clock: Pick<Clock, "now">;
  #beganAtMs = -Infinity;
  #lines = 0;
  #omitted = new Map<string, number>();

  constructor(quota: Quota, clock: Pick<Clock, "now">) {
    this.#quota = quota;
    this.#clock = clock;
  }

  /**
   * What was omitted since the last line, by caller, if there may be a line now; undefined when this call is omitted
   * too.
   */
  take(caller: string | undefined): Record<string, number> | undefined {
    const nowMs = this.#clock.now();
    if (nowMs - this.#beganAtMs >= this.#quota.perMs) {
      this.#beganAtMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines < this.#quota.lines) {
      this.#lines += 1;
      const omitted = Object.fromEntries(this.#omitted);
      this.#omitted.clear();
      return omitted;
    }
    const name = caller ?? "undisclosed";
    const counted = this.#omitted.has(name) || this.#omitted.size < callerLimit ? name : "others";
    this.#omitted.set(counted, (this.#omitted.get(counted) ?? 0) + 1);
    return undefined;
  }
}
