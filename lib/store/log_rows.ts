/** The last log lines of each app (table `LogHistory`), shown when nothing is in memory yet. */

import type { AppId } from "../model/app.ts";
import type { NamedApp } from "../model/app_names.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** The stored lines, oldest first; undefined when none were stored or they cannot be read. Throws `store_failed`. */
export function readLogHistory(database: Database, id: AppId): string[] | undefined {
  const rows = database.all(
    "SELECT * FROM LogHistory WHERE app_key = ? AND stage = ? ORDER BY log_type <> 'APP', id LIMIT 1",
    ...[id.appKey, id.stage],
  );
  return decodeRows(rows, { decode: decodeLines, log: database.log }).at(0);
}

/**
 * Replaces the stored lines of an app. The name is stored in lower case, because the reference agent takes it from the
 * name of the container, and rows under another name are deleted. Throws `store_failed`.
 */
export function writeLogHistory(database: Database, app: NamedApp, options: { lines: readonly string[] }): void {
  const { appKey, stage } = app.id;
  const name = app.appName.toLowerCase();
  const log = JSON.stringify(options.lines);
  database.relaxedTransaction(() => {
    database.run("DELETE FROM LogHistory WHERE app_key = ? AND stage = ? AND app_name <> ?", appKey, stage, name);
    database.run(
      `INSERT INTO LogHistory (app_name, app_key, stage, log_type, log) VALUES (?, ?, ?, 'APP', ?)
        ON CONFLICT (app_name, app_key, stage, log_type) DO UPDATE SET log = excluded.log`,
      ...[name, appKey, stage, log],
    );
    // The reference agent reads the first row of the app, whatever its type.
    database.run("UPDATE LogHistory SET log = ? WHERE app_key = ? AND stage = ? AND log <> ?", log, appKey, stage, log);
  });
}

/** Empties the stored lines of an app. No such app is fine. Throws `store_failed`. */
export function clearLogHistory(database: Database, id: AppId): void {
  const { appKey, stage } = id;
  database.relaxedTransaction(() => {
    database.run("UPDATE LogHistory SET log = '[]' WHERE app_key = ? AND stage = ? AND log <> '[]'", appKey, stage);
  });
}

/** Removes the stored lines of an app. No such app is fine. Throws `store_failed`. */
export function deleteLogHistory(database: Database, id: AppId): void {
  database.run("DELETE FROM LogHistory WHERE app_key = ? AND stage = ?", id.appKey, id.stage);
}

function decodeLines(row: Row): string[] {
  const value = new Columns("LogHistory", row).json("log");
  return Array.isArray(value) ? value.filter((line) => typeof line === "string") : [];
}
