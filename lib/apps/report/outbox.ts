/**
 * Reports of states on their way to Studio: in order for each app, and on the disk while Studio cannot be reached, so that neither a
 * cut of the link nor the end of the agent loses one.
 */

import { type AppIdText, idText, isAppState, isStage } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { within } from "../../async/deadline.ts";
import { hasCode, isCanceled, textOf } from "../../base/errors.ts";
import { KeyedMutex } from "../../async/keyed_mutex.ts";
import type { Log } from "../../base/log.ts";
import { type Dict, isCount, isDict } from "../../base/json.ts";
import type { Database } from "../../store/database.ts";
import {
  addReport,
  countReports,
  deleteReport,
  hasReport,
  readReports,
  type WaitingReport,
} from "../../store/outbox_rows.ts";
import type { Backend } from "../../backend/backend.ts";
import type { AppReport } from "../../backend/requests.ts";

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
 * The way of reports to Studio.
 *
 * - The reports of one app are sent one after the other, in the order in which they were given.
 * - A report that Studio did not take is on the disk, and is sent before anything newer of its app when Studio can be reached again.
 * - What Studio refuses keeps nothing newer back; what is newer is told once more behind it, so that it is the last word.
 */
export class Outbox {
  readonly #parts: OutboxDeps;
  readonly #gate = new KeyedMutex<AppIdText | "missed">();
  readonly #sending = new Set<Promise<boolean>>();

  constructor(parts: OutboxDeps) {
    this.#parts = parts;
  }

  /**
   * Sends a report. True when Studio has it; else it waits on the disk. `current` gives the report as it is to be sent, when its
   * turn has come; `onTaken` is called when Studio has it, before the turn of the next. Throws nothing.
   */
  async send(current: () => AppReport, onTaken: () => void = () => {}): Promise<boolean> {
    const sending = this.#send(current, onTaken);
    this.#sending.add(sending);
    try {
      return await sending;
    } finally {
      this.#sending.delete(sending);
    }
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending);
  }

  async #send(current: () => AppReport, onTaken: () => void): Promise<boolean> {
    const app = idText(current().id);
    return await this.#gate.run(app, async () => {
      const report = current();
      try {
        await this.#deliverEarlier(app);
        await this.#deliver(report);
      } catch (error) {
        this.#noteRefusal(report, error);
        this.#keep(report);
        return false;
      }
      onTaken();
      this.#dropSuperseded(app);
      if (this.#waitingOf(app).length > 0) this.#keep(report);
      return true;
    });
  }

  /**
   * Sends what waits, oldest first; of several states of one app in a row only the last, and those that tell something of their own.
   * What Studio refuses keeps later ones of its app back, and is thrown at the end; it ends at once when Studio is away.
   */
  async sendMissed(): Promise<void> {
    if (this.count() === 0) return;
    await this.#gate.run("missed", async () => {
      const waiting = readReports(this.#parts.database);
      const kept = foldReports(waiting);
      const folded = waiting.length - kept.length;
      for (const { rowId } of waiting.filter((entry) => !kept.includes(entry))) this.#drop(rowId);
      if (kept.length > 0) this.#parts.log.info("Sending reports that were missed", { count: kept.length, folded });
      const refusals = new Map<AppIdText, unknown>();
      for (const { rowId, report } of kept) {
        const decoded = decodeReport(report);
        if (decoded === undefined) continue;
        const app = idText(decoded.id);
        if (refusals.has(app)) continue;
        try {
          await this.#gate.run(app, () => this.#sendKept(rowId, decoded));
        } catch (error) {
          if (!hasCode(error, "call_failed")) throw error;
          refusals.set(app, error);
        }
      }
      for (const refusal of refusals.values()) throw refusal;
    });
  }

  async #sendKept(rowId: number, report: AppReport): Promise<void> {
    // While others were sent Studio may have got it, or something newer.
    if (!this.#isWaiting(rowId)) return;
    await this.#deliver(report);
    this.#drop(rowId);
  }

  /** How many reports wait on the disk; 0 when the disk does not say. */
  count(): number {
    try {
      return countReports(this.#parts.database);
    } catch (error) {
      this.#parts.log.warn("Cannot read the outbox", { error });
      return 0;
    }
  }

  async #deliver(report: AppReport): Promise<void> {
    const { backend, life } = this.#parts;
    const what = `Reporting an app as ${report.state}`;
    await within(reportLimitMs, (limit) => backend.reportAppState(report, limit), { what, signal: life });
  }

  /** Sends what is to be told before anything newer of the app. Throws when Studio cannot be reached. */
  async #deliverEarlier(app: AppIdText): Promise<void> {
    for (const { rowId, report } of this.#waitingOf(app)) {
      if (!isWordOfItsOwn(report)) continue;
      try {
        await this.#deliver(report);
      } catch (error) {
        if (!hasCode(error, "call_failed")) throw error;
        return;
      }
      this.#drop(rowId);
    }
  }

  #noteRefusal(report: AppReport, error: unknown): void {
    const isAway = hasCode(error, "not_connected") || isCanceled(error);
    const fields = { ...report.id, state: report.state, error: textOf(error) };
    this.#parts.log[isAway ? "debug" : "warn"]("Studio did not take a report, it waits", fields);
  }

  #keep(report: AppReport): void {
    const { database, clock, log } = this.#parts;
    try {
      const dropped = addReport(database, { ...report }, clock.wall());
      if (dropped > 0) log.warn("The oldest reports that waited were dropped", { dropped });
    } catch (failure) {
      // The next connect reports every app as it is.
      log.error("Cannot keep a report", { error: failure });
    }
  }

  /** States that wait are older than what Studio has taken just now. */
  #dropSuperseded(app: AppIdText): void {
    for (const { rowId, report } of this.#waitingOf(app)) {
      if (!isWordOfItsOwn(report)) this.#drop(rowId);
    }
  }

  /** What waits of an app, oldest first; nothing when the disk does not say. */
  #waitingOf(app: AppIdText): { rowId: number; report: AppReport }[] {
    if (this.count() === 0) return [];
    try {
      return readReports(this.#parts.database).flatMap(({ rowId, report }) => {
        const decoded = decodeReport(report);
        return decoded !== undefined && idText(decoded.id) === app ? [{ rowId, report: decoded }] : [];
      });
    } catch (error) {
      this.#parts.log.warn("Cannot read the outbox", { error });
      return [];
    }
  }

  #isWaiting(rowId: number): boolean {
    try {
      return hasReport(this.#parts.database, rowId);
    } catch (error) {
      this.#parts.log.warn("Cannot read the outbox", { error });
      return true;
    }
  }

  #drop(rowId: number): void {
    try {
      deleteReport(this.#parts.database, rowId);
    } catch (error) {
      this.#parts.log.warn("Cannot take a report out of the outbox", { error });
    }
  }
}

/** Leaves out states that are followed by another of the same app, except those that tell something of their own. Pure. */
export function foldReports(waiting: readonly WaitingReport[]): WaitingReport[] {
  const last = new Map<AppIdText, number>();
  for (const { rowId, report } of waiting) {
    const decoded = decodeReport(report);
    if (decoded !== undefined) last.set(idText(decoded.id), rowId);
  }
  return waiting.filter(({ rowId, report }) => {
    const decoded = decodeReport(report);
    return decoded !== undefined && (last.get(idText(decoded.id)) === rowId || isWordOfItsOwn(decoded));
  });
}

/** An update that went through, or an app that failed, is history that a later state does not tell. */
function isWordOfItsOwn(report: AppReport): boolean {
  return report.updateStatus === "pending_remote_confirmation" || report.state === "FAILED";
}

/** Undefined for what an agent of another version has left. */
function decodeReport(value: Dict): AppReport | undefined {
  const { id, state, requestorAccountKey, releaseKey, requestUpdate, releaseBuild, updateStatus } = value;
  const isKnown = isDict(id) && isCount(id.appKey) && isStage(id.stage) && isAppState(state);
  if (!isKnown || !isStage(id.stage) || !isCount(id.appKey)) return undefined;
  const statuses = ["", "pending_remote_confirmation", "completed", "canceled"] as const;
  return {
    id: { appKey: id.appKey, stage: id.stage },
    state,
    requestorAccountKey: isCount(requestorAccountKey) ? requestorAccountKey : 0,
    releaseKey: isCount(releaseKey) ? releaseKey : 0,
    requestUpdate: requestUpdate === true,
    releaseBuild: releaseBuild === true,
    updateStatus: statuses.find((known) => known === updateStatus) ?? "",
  };
}
