/** Keeps one kind of line from pushing everything else out of the log, whatever causes it. */

import type { Clock } from "../async/clock.ts";
import { LineQuota, type Quota } from "../async/line_quota.ts";
import type { Level } from "../base/log.ts";

/** Lines with the same message: far more than a device with many apps writes, and days until they fill the log. */
export const lineQuota: Quota = { lines: 1_000, perMs: 600_000 };

/** Likewise for lines that are there for the search of faults. */
export const debugLineQuota: Quota = { lines: 3_000, perMs: 600_000 };

/** Messages are texts of the program, so there are not many; others count together. */
const kindLimit = 500;

/** The quotas of all kinds of lines. */
export class LineLimits {
  readonly #clock: Pick<Clock, "now">;
  readonly #quotas = new Map<string, LineQuota>();

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Calls `write` unless there were too many such lines; see `LineQuota.run()`. */
  run({ level, message }: { level: Level; message: string }, write: (omitted: { omitted?: number }) => void): void {
    // No line about the end of the agent may be missing.
    if (level === "fatal" || level === "panic") return write({});
    this.#quotaOf(level, message).run(write);
  }

  #quotaOf(level: Level, message: string): LineQuota {
    const name = `${level} ${message}`;
    const known = this.#quotas.get(name);
    if (known !== undefined) return known;
    if (this.#quotas.size > kindLimit && message !== "") return this.#quotaOf(level, "");
    const isDebug = level === "debug" || level === "trace";
    const quota = new LineQuota(isDebug ? debugLineQuota : lineQuota, this.#clock);
    this.#quotas.set(name, quota);
    return quota;
  }
}
