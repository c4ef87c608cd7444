/** Reports that Studio has not accepted yet (table `ReagentOutbox`), oldest first. */

import { localTimeText } from "../base/local_time.ts";
import { type Dict, isCount } from "../base/json.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** A report that waits. */
export interface WaitingReport {
  rowId: number;
  /** RFC 3339. */
  happened: string;
  report: Dict;
}

/** How many reports may wait; the oldest are dropped first. */
export const outboxLimit = 500;

/** Adds a report at the end. Returns how many of the oldest were dropped for it. Throws `store_failed`. */
export function addReport(database: Database, report: Dict, options: { now: Date }): number {
  return database.transaction(() => {
    database.run(
      "INSERT INTO ReagentOutbox (happened, report) VALUES (?, ?)",
      ...[localTimeText(options.now), JSON.stringify(report)],
    );
    return database.run(
      "DELETE FROM ReagentOutbox WHERE id <= (SELECT max(id) FROM ReagentOutbox) - ?",
      outboxLimit,
    );
  });
}

/** All that wait, oldest first. Rows that cannot be read are skipped with a warning. Throws `store_failed`. */
export function readReports(database: Database): WaitingReport[] {
  const rows = database.all("SELECT * FROM ReagentOutbox ORDER BY id");
  return decodeRows(rows, { decode: decodeReportRow, log: database.log });
}

/** How many wait. Throws `store_failed`. */
export function countReports(database: Database): number {
  const count = database.first("SELECT count(*) AS count FROM ReagentOutbox")?.count;
  return isCount(count) ? count : 0;
}

/** True while the report waits. Throws `store_failed`. */
export function hasReport(database: Database, rowId: number): boolean {
  return database.first("SELECT id FROM ReagentOutbox WHERE id = ?", rowId) !== undefined;
}

/** Removes one. Throws `store_failed`. */
export function deleteReport(database: Database, rowId: number): void {
  database.run("DELETE FROM ReagentOutbox WHERE id = ?", rowId);
}

function decodeReportRow(row: Row): WaitingReport {
  const columns = new Columns("ReagentOutbox", row);
  return { rowId: columns.count("id"), happened: columns.text("happened"), report: columns.dict("report") ?? {} };
}
