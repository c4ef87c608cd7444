/** What the agent knows about the state of its apps (table `AppStates`), with the history of it. */

import { type AppId, type AppState, idText } from "../model/app.ts";
import { localTimeText } from "../base/local_time.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** An app as stored. */
export interface StoredApp {
  id: AppId;
  appName: string;
  state: AppState;
  /** The installed version; empty when none was. */
  version: string;
  releaseKey: number;
  /** Time of the last real change, RFC 3339. */
  timestamp: string;
  /** What Studio requested last, when a request is stored. */
  requested?: { target: AppState; requestorAccountKey: number };
}

/** What `writeAppState()` stores. `target` is the wanted state in memory, which replaces the stored one. */
export interface AppStateWrite {
  id: AppId;
  appName: string;
  state: AppState;
  version: string;
  releaseKey: number;
  target: AppState;
}

/** A write with the time of the row. */
type TimedWrite = AppStateWrite & { timestamp: string };

/** The history keeps this many changes of all apps together. */
const historyLimit = 10_000;

// Of rows that differ only in the app's name the newest counts: the app was renamed.
const selectApps = `SELECT a.*, r.manually_requested_state, r.requestor_account_key
  FROM AppStates a LEFT JOIN RequestedAppStates r ON r.id =
    (SELECT max(id) FROM RequestedAppStates WHERE app_key = a.app_key AND stage = a.stage)`;

/** All stored apps, each once. Rows that cannot be read are skipped with a warning. Throws `store_failed`. */
export function readApps(database: Database): StoredApp[] {
  const rows = database.all(`${selectApps} ORDER BY a.id`);
  const apps = new Map(decodeRows(rows, { decode: decodeApp, log: database.log }).map((app) => [idText(app.id), app]));
  return [...apps.values()];
}

/** How many apps are stored. Throws `store_failed`. */
export function countApps(database: Database): number {
  const row = database.first("SELECT count(*) AS count FROM (SELECT DISTINCT app_key, stage FROM AppStates)");
  return new Columns("AppStates", row ?? {}).count("count");
}

/** One stored app; undefined when there is none or its row cannot be read. Throws `store_failed`. */
export function readApp(database: Database, id: AppId): StoredApp | undefined {
  const rows = database.all(`${selectApps} WHERE a.app_key = ? AND a.stage = ? ORDER BY a.id`, id.appKey, id.stage);
  return decodeRows(rows, { decode: decodeApp, log: database.log }).at(-1);
}

/**
 * Stores the state of an app, and copies it with the wanted state into the app's stored request, all in one
 * transaction. A change adds the state before it to the history; no change, no row. Throws `store_failed`.
 */
export function writeAppState(database: Database, write: AppStateWrite, options: { now: Date }): void {
  database.transaction(() => {
    putAppState(database, { ...write, timestamp: localTimeText(options.now) });
    copyIntoRequest(database, write);
  });
}

/** Those with a column for the app key and one for the stage. */
const tablesOfApps = [
  ...["AppStates", "RequestedAppStates", "LogHistory", "ReagentUpdates", "ReagentRetries", "ReagentVolumes"],
  "ReagentRemotePorts",
];

/** Deletes everything about an app but the history of its states. No such app is fine. Throws `store_failed`. */
export function deleteApp(database: Database, id: AppId): void {
  database.transaction(() => {
    for (const table of tablesOfApps) {
      database.run(`DELETE FROM ${table} WHERE app_key = ? AND stage = ?`, id.appKey, id.stage);
    }
  });
}

function putAppState(database: Database, write: TimedWrite): void {
  const { id, appName, state, version, releaseKey, timestamp } = write;
  const found = database.first(
    "SELECT * FROM AppStates WHERE app_key = ? AND stage = ? ORDER BY id DESC LIMIT 1",
    id.appKey,
    id.stage,
  );
  if (found === undefined) {
    database.run(
      `INSERT INTO AppStates (app_name, app_key, version, release_key, stage, state, timestamp)
        VALUES (?, ?, ?, ?, ?, ?, ?)`,
      ...[appName, id.appKey, version, releaseKey, id.stage, state, timestamp],
    );
    return;
  }
  const isSame = found.state === state && found.version === version && found.release_key === releaseKey;
  if (isSame && found.app_name === appName) return;
  const rowId = new Columns("AppStates", found).count("id");
  if (!isSame) {
    database.run(
      `INSERT INTO AppStateHistory (app_name, app_key, release_key, version, stage, state, timestamp)
        SELECT ?, app_key, ?, ?, stage, state, ? FROM AppStates WHERE id = ?`,
      ...[appName, releaseKey, version, timestamp, rowId],
    );
    database.run(
      "DELETE FROM AppStateHistory WHERE id <= (SELECT max(id) FROM AppStateHistory) - ?",
      historyLimit,
    );
  }
  replaceAppState(database, rowId, write);
}

function replaceAppState(database: Database, rowId: number, write: TimedWrite): void {
  const { id, appName, state, version, releaseKey, timestamp } = write;
  database.run("DELETE FROM AppStates WHERE app_key = ? AND stage = ? AND id <> ?", id.appKey, id.stage, rowId);
  database.run(
    "UPDATE AppStates SET app_name = ?, state = ?, version = ?, release_key = ?, timestamp = ? WHERE id = ?",
    ...[appName, state, version, releaseKey, timestamp, rowId],
  );
}

function copyIntoRequest(database: Database, write: AppStateWrite): void {
  const { id, state, target, version, releaseKey } = write;
  const values = [state, target, version, releaseKey];
  database.run(
    `UPDATE RequestedAppStates
      SET current_state = ?, manually_requested_state = ?, present_version = ?, release_key = ?
      WHERE app_key = ? AND stage = ?
        AND (current_state, manually_requested_state, present_version, release_key) IS NOT (?, ?, ?, ?)`,
    ...[...values, id.appKey, id.stage, ...values],
  );
}

function decodeApp(row: Row): StoredApp {
  const columns = new Columns("AppStates", row);
  const app: StoredApp = {
    id: { appKey: columns.count("app_key"), stage: columns.stage("stage") },
    appName: columns.text("app_name"),
    state: columns.state("state"),
    version: columns.text("version"),
    releaseKey: columns.countOrZero("release_key"),
    timestamp: columns.text("timestamp"),
  };
  const target = columns.stateOrNone("manually_requested_state");
  if (target !== undefined) {
    app.requested = { target, requestorAccountKey: columns.countOrZero("requestor_account_key") };
  }
  return app;
}
