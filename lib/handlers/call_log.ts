/** Logs calls, without letting callers that never stop push everything else out of the log. */

import type { Clock } from "../async/clock.ts";
import type { Quota } from "../async/line_quota.ts";
import { TaskSet } from "../async/task_set.ts";
import type { Log, LogFields } from "../base/log.ts";

/** How a call ended. A refusal is of a caller without the privilege. */
export type CallOutcome = "answered" | "failed" | "refused";

/** Logs one call of a procedure. `fields` is called only when a line is written. */
export type LogCall = (outcome: CallOutcome, caller: string | undefined, fields: () => LogFields) => void;

/** What the log of a procedure works with. */
export interface CallLogOptions {
  /** The name of the procedure. */
  procedure: string;
  log: Log;
  clock: Pick<Clock, "now" | "sleep">;
  /** Ends with the agent. */
  life: AbortSignal;
}

/** Of one procedure and outcome. */
const quotas: Readonly<Record<CallOutcome, Quota>> = {
  answered: { lines: 5, perMs: 1_000 },
  failed: { lines: 5, perMs: 60_000 },
  refused: { lines: 5, perMs: 60_000 },
};

/** Callers that are counted by name in one period; further ones are counted together. */
const callerLimit = 10;

/** Calls that have no line of their own, by caller. */
type Omitted = Record<string, number>;

/**
 * The log of one procedure: at most five lines a second about answered calls, and five a minute each about failed and
 * about refused ones. Calls beyond that are counted by caller: the next line about answered calls has the count, and
 * for the others one line at the end of the minute.
 */
export function createCallLog({ procedure, log, clock, life }: CallLogOptions): LogCall {
  // Only the end of the agent ends a wait for the end of a minute early.
  const waits = new TaskSet(() => {});
  const periodOf = (outcome: "failed" | "refused") => {
    const message = outcome === "failed" ? "Further calls failed" : "Refused further calls";
    const onEnd = (omitted: Omitted) => log.warn(message, { procedure, omitted });
    const endAfter = (period: Period, ms: number) => {
      void waits.add(clock.sleep(ms, life).then(() => period.end(onEnd)));
    };
    return new Period(quotas[outcome], { clock, endAfter });
  };
  const periods = {
    answered: new Period(quotas.answered, { clock, endAfter: () => {} }),
    failed: periodOf("failed"),
    refused: periodOf("refused"),
  };
  return (outcome, caller, fields) => {
    const omitted = periods[outcome].take(caller);
    if (omitted === undefined) return;
    const all = Object.keys(omitted).length === 0 ? fields() : { ...fields(), omitted };
    if (outcome === "answered") log.debug("Answered a call", all);
    else log.warn(outcome === "failed" ? "A call failed" : "Refused a call", all);
  };
}

/** What a period works with. */
interface PeriodOptions {
  clock: Pick<Clock, "now">;
  /** Has `end()` called after so many milliseconds. */
  endAfter(period: Period, ms: number): void;
}

/** Counts the lines of one period. */
class Period {
  readonly #quota: Quota;
  readonly #options: PeriodOptions;
  #beganAtMs = -Infinity;
  #lines = 0;
  #omitted = new Map<string, number>();

  constructor(quota: Quota, options: PeriodOptions) {
    this.#quota = quota;
    this.#options = options;
  }

  /**
   * What was omitted since the last line, by caller, if there may be a line now; undefined when this call is omitted
   * too.
   */
  take(caller: string | undefined): Omitted | undefined {
    const { clock, endAfter } = this.#options;
    const nowMs = clock.now();
    if (nowMs - this.#beganAtMs >= this.#quota.perMs) {
      this.#beganAtMs = nowMs;
      this.#lines = 0;
    }
    if (this.#lines < this.#quota.lines) {
      this.#lines += 1;
      return this.#takeOmitted();
    }
    if (this.#omitted.size === 0) endAfter(this, this.#beganAtMs + this.#quota.perMs - nowMs);
    const name = caller ?? "undisclosed";
    const counted = this.#omitted.has(name) || this.#omitted.size < callerLimit ? name : "others";
    this.#omitted.set(counted, (this.#omitted.get(counted) ?? 0) + 1);
    return undefined;
  }

  /** Calls `write` with what was omitted, if anything was. */
  end(write: (omitted: Omitted) => void): void {
    if (this.#omitted.size > 0) write(this.#takeOmitted());
  }

  #takeOmitted(): Omitted {
    const omitted = Object.fromEntries(this.#omitted);
    this.#omitted.clear();
    return omitted;
  }
}
