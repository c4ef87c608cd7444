/**
 * Sends the reports of apps to Studio: those of one app in order, and later while Studio cannot be reached. Neither a
 * broken link nor the end of the agent loses a report.
 */

import { type AppIdText, idText } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { within } from "../../async/deadline.ts";
import { hasCode, isCanceled, textOf } from "../../base/errors.ts";
import { KeyedMutex } from "../../async/keyed_mutex.ts";
import { TaskSet } from "../../async/task_set.ts";
import type { Log } from "../../base/log.ts";
import type { Database } from "../../store/database.ts";
import type { Backend } from "../../backend/backend.ts";
import type { AppReport } from "../../backend/requests.ts";
import { isMilestone, type PendingReport } from "./fold_reports.ts";
import { PendingReports } from "./pending_reports.ts";

/** What an outbox works with. */
export interface OutboxDeps {
  backend: Pick<Backend, "reportAppState">;
  database: Database;
  clock: Pick<Clock, "wall">;
  log: Log;
  /** Ends with the agent. */
  life: AbortSignal;
}

/** Studio gets this long to take a report. */
const reportLimitMs = 10_000;

/**
 * The outbox of all apps.
 *
 * - Reports of one app are sent one after the other, in the order of the calls to `send()`.
 * - A report that Studio did not take is stored, and sent before any newer one of its app once Studio can be reached.
 * - A report that Studio refuses does not hold newer ones back. The newest is sent again after it, to have the last
 *   word.
 */
export class Outbox {
  readonly #deps: OutboxDeps;
  readonly #pending: PendingReports;
  readonly #mutex = new KeyedMutex<AppIdText | "missed">();
  readonly #sending: TaskSet;

  constructor(deps: OutboxDeps) {
    this.#deps = deps;
    this.#pending = new PendingReports(deps);
    this.#sending = new TaskSet((error) => deps.log.error("Sending a report failed", { error }));
  }

  /**
   * Sends a report. Returns true when Studio has taken it; otherwise it is stored. `current` returns the report as it
   * is when its turn comes; `onTaken` is called when Studio has taken it, before the next one is sent. Never throws.
   */
  async send(current: () => AppReport, onTaken: () => void = () => {}): Promise<boolean> {
    return await this.#sending.add(this.#sendInTurn(current, onTaken)) ?? false;
  }

  /**
   * Sends the reports that Studio has missed, oldest first. Of several states of one app in a row only the last is
   * sent, and milestones. A report that Studio refuses holds later ones of its app back, and its error is thrown at the
   * end; any other error ends the whole at once. Throws `store_failed` too.
   */
  async sendMissed(): Promise<void> {
    if (this.count() === 0) return;
    await this.#mutex.run("missed", async () => {
      const { kept, removed } = this.#pending.fold();
      if (kept.length > 0) this.#deps.log.info("Sending missed reports", { count: kept.length, folded: removed });
      const refusals = new Map<AppIdText, unknown>();
      for (const pending of kept) {
        const app = idText(pending.report.id);
        if (refusals.has(app)) continue;
        try {
          await this.#mutex.run(app, () => this.#sendPending(pending));
        } catch (error) {
          if (!hasCode(error, "call_failed")) throw error;
          refusals.set(app, error);
        }
      }
      for (const refusal of refusals.values()) throw refusal;
    });
  }

  /** How many reports wait on the disk; 0 when the database cannot be read. */
  count(): number {
    return this.#pending.count();
  }

  /** Resolves when no report is being sent. */
  async settled(): Promise<void> {
    await this.#sending.settled();
  }

  async #sendInTurn(current: () => AppReport, onTaken: () => void): Promise<boolean> {
    const app = idText(current().id);
    return await this.#mutex.run(app, async () => {
      const report = current();
      try {
        await this.#sendMilestones(app);
        await this.#deliver(report);
      } catch (error) {
        this.#logRefusal(report, error);
        this.#pending.add(report);
        return false;
      }
      onTaken();
      this.#removeSuperseded(app);
      if (this.#pending.of(app).length > 0) this.#pending.add(report);
      return true;
    });
  }

  async #sendPending({ rowId, report }: PendingReport): Promise<void> {
    // While others were sent, Studio may have taken it, or a newer one.
    if (!this.#pending.has(rowId)) return;
    await this.#deliver(report);
    this.#pending.remove(rowId);
  }

  async #deliver(report: AppReport): Promise<void> {
    const { backend, life } = this.#deps;
    const what = `Reporting an app as ${report.state}`;
    await within(reportLimitMs, (limit) => backend.reportAppState(report, limit), { what, signal: life });
  }

  /** Sends what has to reach Studio before anything newer of the app. Throws when Studio cannot be reached. */
  async #sendMilestones(app: AppIdText): Promise<void> {
    for (const { rowId, report } of this.#pending.of(app)) {
      if (!isMilestone(report)) continue;
      try {
        await this.#deliver(report);
      } catch (error) {
        if (!hasCode(error, "call_failed")) throw error;
        return;
      }
      this.#pending.remove(rowId);
    }
  }

  /** Pending states are older than the one that Studio has just taken. */
  #removeSuperseded(app: AppIdText): void {
    for (const { rowId, report } of this.#pending.of(app)) {
      if (!isMilestone(report)) this.#pending.remove(rowId);
    }
  }

  #logRefusal(report: AppReport, error: unknown): void {
    const isAway = hasCode(error, "not_connected") || isCanceled(error);
    const fields = { ...report.id, state: report.state, error: textOf(error) };
    this.#deps.log[isAway ? "debug" : "warn"]("Studio did not take a report, it is sent later", fields);
  }
}
