/** The reports that wait on the disk for Studio. */

import { type AppIdText, idText } from "../../model/app.ts";
import type { AppReport } from "../../backend/requests.ts";
import type { Clock } from "../../async/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Database } from "../../store/database.ts";
import { addReport, countReports, deleteReport, hasReport, readReports } from "../../store/outbox_rows.ts";
import { decodeReports, foldReports, type PendingReport } from "./fold_reports.ts";

/** What the pending reports work with. */
export interface PendingReportsDeps {
  database: Database;
  clock: Pick<Clock, "wall">;
  log: Log;
}

/**
 * The pending reports of all apps. Best effort: only `fold()` throws, everything else logs what the database refuses.
 */
export class PendingReports {
  readonly #deps: PendingReportsDeps;

  constructor(deps: PendingReportsDeps) {
    this.#deps = deps;
  }

  /** How many there are; 0 when the database cannot be read. */
  count(): number {
    return this.#read(0, (database) => countReports(database));
  }

  /** Those of one app, oldest first; none when the database cannot be read. */
  of(app: AppIdText): PendingReport[] {
    if (this.count() === 0) return [];
    const pending = this.#read([], (database) => decodeReports(readReports(database)));
    return pending.filter(({ report }) => idText(report.id) === app);
  }

  /** False once the report was removed; true when the database cannot be read. */
  has(rowId: number): boolean {
    return this.#read(true, (database) => hasReport(database, rowId));
  }

  /** Adds the newest report. The oldest ones are dropped when there are too many. */
  add(report: AppReport): void {
    const { database, clock, log } = this.#deps;
    try {
      const dropped = addReport(database, { ...report }, { now: clock.wall() });
      if (dropped > 0) log.warn("Dropped the oldest reports that wait for Studio", { dropped });
    } catch (error) {
      // The next connect reports every app as it is.
      log.error("Cannot store a report", { error });
    }
  }

  /** Removes a report. */
  remove(rowId: number): void {
    try {
      deleteReport(this.#deps.database, rowId);
    } catch (error) {
      this.#deps.log.warn("Cannot remove a report from the outbox", { error });
    }
  }

  /** Removes the reports that need not be sent any more. Returns the others, oldest first. Throws `store_failed`. */
  fold(): { kept: PendingReport[]; removed: number } {
    const stored = readReports(this.#deps.database);
    const kept = foldReports(decodeReports(stored));
    const keptRows = new Set(kept.map(({ rowId }) => rowId));
    for (const { rowId } of stored) {
      if (!keptRows.has(rowId)) this.remove(rowId);
    }
    return { kept, removed: stored.length - kept.length };
  }

  #read<T>(fallback: T, read: (database: Database) => T): T {
    try {
      return read(this.#deps.database);
    } catch (error) {
      this.#deps.log.warn("Cannot read the outbox", { error });
      return fallback;
    }
  }
}
