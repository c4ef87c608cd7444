/**
 * A device changes from the reference agent to this one and back: nothing is lost on the way there, the reference agent
 * reads and writes its tables by its own statements afterwards, and what it has written is there on the second way.
 */

import assert from "node:assert/strict";
import type { DatabaseSync } from "node:sqlite";
import { readApps, writeAppState } from "../../../lib/store/app_rows.ts";
import { readLogHistory, writeLogHistory } from "../../../lib/store/log_rows.ts";
import { openWithRecovery } from "../../../lib/store/recovery.ts";
import { readRequests, writeRequest } from "../../../lib/store/request_rows.ts";
import { createReferenceTables, fullRequestRow, fullStateRow, insertRow, laterColumns } from "./reference_database.ts";
import { Folder, sampleRequest, warningsLog } from "./samples.ts";

const now = new Date("2031-03-05T07:00:00Z");
const fan = { appKey: 71, stage: "PROD" } as const;

/** Every release of the schema, by how many of the later columns it knows. */
const releases = Array.from({ length: laterColumns.length + 1 }, (_, count) => count);

const tables = [
  ...["AppStates", "AppStateHistory", "RequestedAppStates", "LogHistory", "DeviceStates", "DeviceStateHistory"],
] as const;

/** Statements of the reference agent that read; the columns are those that it names. */
const stateColumns = "app_name, app_key, version, release_key, stage, state, timestamp";

type Plain = Record<string, unknown>;

/** Three apps with every column filled. */
function fill(sql: DatabaseSync, known: number): void {
  const insert = (table: string, row: Parameters<typeof insertRow>[1]) => insertRow({ sql, table }, row);
  const missing = laterColumns.slice(known).map((column) => column.split(" ")[0] ?? "");
  const request = (change: Partial<typeof fullRequestRow>) => {
    const row = Object.entries({ ...fullRequestRow, ...change }).filter(([name]) => !missing.includes(name));
    return Object.fromEntries(row);
  };
  insert("AppStates", fullStateRow);
  insert("AppStates", { ...fullStateRow, app_name: "Shop", app_key: 72, stage: "DEV", state: "BUILT" });
  insert("AppStates", { ...fullStateRow, app_name: "größe", app_key: 73, state: "FAILED", version: "" });
  insert("RequestedAppStates", request({}));
  const shop = {
    app_name: "Shop",
    app_key: 72,
    stage: "DEV",
    current_state: "BUILT",
    manually_requested_state: "BUILT",
  };
  insert("RequestedAppStates", request({ ...shop, release_key: 0, environment_variables: "null" }));
  insert(
    "RequestedAppStates",
    request({ app_name: "größe", app_key: 73, environment_variables: `{"Ä":{"value":"ö"}}` }),
  );
  for (const state of ["PRESENT", "DOWNLOADING", "STARTING", "RUNNING", "TRANSFERED", "INHERIT"]) {
    insert("AppStateHistory", { ...fullStateRow, state });
  }
  for (const [type, log] of [["PULL", `["pulled"]`], ["PUSH", "[]"], ["BUILD", "[]"], ["APP", `["a","b"]`]]) {
    insert("LogHistory", {
      app_name: "fan_ctl",
      app_key: 71,
      stage: "PROD",
      log_type: type ?? "",
      log: log ?? "",
    });
  }
  sql.exec("UPDATE DeviceStates SET interface_type = 'WLAN', device_status = 'CONNECTED', timestamp = '1800000000'");
  const device = { interface_type: "ETHERNET", device_status: "DISCONNECTED", timestamp: "1750000000" };
  insert("DeviceStateHistory", device);
}

function readTables(sql: DatabaseSync): Record<string, Plain[]> {
  return Object.fromEntries(tables.map((table) => {
    return [table, sql.prepare(`SELECT * FROM ${table} ORDER BY id`).all().map((row) => ({ ...row }))];
  }));
}

/** The rows with the columns that `pattern` has. */
function cutTo(pattern: Record<string, Plain[]>, rows: Record<string, Plain[]>): Record<string, Plain[]> {
  return Object.fromEntries(
    Object.entries(rows).map(([table, all]) => {
      const names = Object.keys(pattern[table]?.[0] ?? {});
      return [table, all.map((row) => Object.fromEntries(names.map((name) => [name, row[name]])))];
    }),
  );
}

for (const known of releases) {
  Deno.test(`a database of the reference agent with ${known} of its later columns can be moved to this agent and back`, () => {
    using folder = new Folder();
    const log = warningsLog();
    let before: Record<string, Plain[]>;
    {
      using sql = createReferenceTables(folder.file(), known);
      fill(sql, known);
      before = readTables(sql);
    }
    assertTaken(folder, log);
    {
      using sql = createReferenceTables(folder.file(), known);
      const after = cutTo(before, readTables(sql));
      assert.deepEqual(after.AppStateHistory?.slice(0, 6), before.AppStateHistory);
      for (const table of ["DeviceStates", "DeviceStateHistory"]) assert.deepEqual(after[table], before[table]);
      for (const table of ["AppStates", "RequestedAppStates"]) {
        assert.deepEqual(after[table]?.slice(1), before[table]?.slice(1), `${table}: rows that nobody has touched`);
      }
      work(sql);
    }
    const { database } = openWithRecovery(folder.file(), { log, now });
    using again = database;
    assert.deepEqual(readApps(again).map(({ id, state }) => [id.appKey, state]), [[71, "STARTING"], [73, "FAILED"], [
      74,
      "PRESENT",
    ]]);
    assert.deepEqual(readRequests(again).map(({ appKey, target }) => [appKey, target]), [[71, "PRESENT"], [
      73,
      "RUNNING",
    ]]);
    assert.deepEqual(log.warnings, []);
  });
}

/**
 * Opens the file as this agent, checks that everything is there, and changes the state, the request and the log of one
 * app.
 */
function assertTaken(folder: Folder, log: ReturnType<typeof warningsLog>): void {
  const { database, damagedPath } = openWithRecovery(folder.file(), { log, now });
  using taken = database;
  assert.equal(damagedPath, undefined);
  assert.deepEqual(readApps(taken).map((app) => [app.appName, app.id.stage, app.state, app.version, app.releaseKey]), [
    ["Fan_Ctl", "PROD", "RUNNING", "1.2.0", 12],
    ["Shop", "DEV", "BUILT", "1.2.0", 12],
    ["größe", "PROD", "FAILED", "", 12],
  ]);
  const requests = readRequests(taken);
  assert.deepEqual(requests.map(({ appName, target, environment }) => [appName, target, environment]), [
    ["Fan_Ctl", "RUNNING", { SPEED: { value: 7 }, NAME: { value: "a b=c" } }],
    ["Shop", "BUILT", {}],
    ["größe", "RUNNING", { Ä: { value: "ö" } }],
  ]);
  assert.deepEqual(readLogHistory(taken, fan), ["a", "b"]);
  const app = { id: fan, appName: "Fan_Ctl", version: "1.3.0", releaseKey: 13, target: "RUNNING" } as const;
  writeAppState(taken, { ...app, state: "STOPPING" }, { now });
  writeRequest(taken, sampleRequest(), { state: "STOPPING", now });
  writeLogHistory(taken, app, { lines: ["c"] });
  assert.deepEqual(log.warnings, []);
}

/** What the reference agent does with its tables, with its own statements. */
function work(sql: DatabaseSync): void {
  const state = sql.prepare(`SELECT ${stateColumns} FROM AppStates WHERE app_key = ? AND stage = ?`).get(71, "PROD");
  assert.deepEqual([state?.app_name, state?.state, state?.version, state?.release_key], [
    "Fan_Ctl",
    "STOPPING",
    "1.3.0",
    13,
  ]);
  const request = sql.prepare("SELECT * FROM RequestedAppStates WHERE app_key = ? AND stage = ?").get(71, "PROD");
  // It cannot read NULL in these.
  for (const name of ["version", "present_version", "newest_version", "environment_variables"]) {
    assert.equal(typeof request?.[name], "string", name);
  }
  assert.deepEqual(JSON.parse(String(request?.environment_variables)), { SPEED: { value: 7 } });
  const logs = sql.prepare("SELECT log FROM LogHistory WHERE app_key = ? AND stage = ?").all(71, "PROD");
  assert.ok(logs.length === 4 && logs.every(({ log }) => log === `["c"]`));

  insertRow({ sql, table: "AppStateHistory" }, { ...fullStateRow, state: "STOPPING" });
  sql.prepare("UPDATE AppStates SET state = ?, version = ?, release_key = ? WHERE app_key = ? AND stage = ?")
    .run("STARTING", "1.3.0", 13, 71, "PROD");
  insertRow({ sql, table: "AppStates" }, { ...fullStateRow, app_name: "later", app_key: 74, state: "PRESENT" });
  const names = Object.keys(fullRequestRow).filter((name) => request !== undefined && name in request);
  const values = Object.entries({ ...fullRequestRow, manually_requested_state: "PRESENT" })
    .filter(([name]) => names.includes(name)).map(([, value]) => value);
  sql.prepare(
    `INSERT INTO RequestedAppStates (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
      ON CONFLICT (app_name, app_key, stage) DO UPDATE SET current_state = excluded.current_state,
      manually_requested_state = excluded.manually_requested_state, environment_variables = excluded.environment_variables`,
  ).run(...values);
  sql.prepare("DELETE FROM AppStates WHERE app_key = ? AND stage = ?").run(72, "DEV");
  sql.prepare("DELETE FROM RequestedAppStates WHERE app_key = ? AND stage = ?").run(72, "DEV");
}

Deno.test("a database of a reference agent that was killed is rolled back to what it had stored, and used", () => {
  using folder = new Folder();
  const log = warningsLog();
  {
    using sql = createReferenceTables(folder.file("killed.db"), "young");
    fill(sql, laterColumns.length);
    // So small that the change goes to the file before it is committed.
    sql.exec("PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN IMMEDIATE");
    sql.exec(
      "UPDATE AppStates SET state = 'REMOVED'; UPDATE RequestedAppStates SET manually_requested_state = 'REMOVED'",
    );
    for (let number = 0; number < 500; number++) {
      insertRow({ sql, table: "AppStateHistory" }, { ...fullStateRow, state: "REMOVED" });
    }
    for (const suffix of ["", "-journal"]) {
      Deno.copyFileSync(folder.file(`killed.db${suffix}`), folder.file(`reagent.db${suffix}`));
    }
    sql.exec("ROLLBACK");
  }
  assert.ok(Deno.statSync(folder.file("reagent.db-journal")).size > 0);
  assertTaken(folder, log);
});
