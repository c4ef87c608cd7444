import assert from "node:assert/strict";
import { hasCode } from "../../../lib/base/errors.ts";
import { localTimeText } from "../../../lib/base/local_time.ts";
import { type AppStateWrite, deleteApp, readApp, readApps, writeAppState } from "../../../lib/store/app_rows.ts";
import { readLogHistory, writeLogHistory } from "../../../lib/store/log_rows.ts";
import { readRequest, writeRequest } from "../../../lib/store/request_rows.ts";
import { createReferenceTables, fullRequestRow, fullStateRow, insertRow } from "./reference_database.ts";
import { Folder, sampleRequest, warningsLog } from "./samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;
const now = new Date("2031-03-05T07:00:00.900Z");
const later = new Date("2031-03-05T07:01:00Z");

function write(change: Partial<AppStateWrite> = {}): AppStateWrite {
  return { id, appName: "Fan_Ctl", state: "PRESENT", version: "1.2.0", releaseKey: 12, target: "RUNNING", ...change };
}

Deno.test("writeAppState() stores a new app without a line of history", () => {
  using folder = new Folder();
  using database = folder.open();
  writeAppState(database, write(), { now });
  assert.deepEqual(readApp(database, id), {
    id,
    appName: "Fan_Ctl",
    state: "PRESENT",
    version: "1.2.0",
    releaseKey: 12,
    timestamp: localTimeText(now),
  });
  assert.deepEqual(database.all("SELECT * FROM AppStateHistory"), []);
});

Deno.test("writeAppState() adds the old state with the new version to the history", () => {
  using folder = new Folder();
  using database = folder.open();
  writeAppState(database, write(), { now });
  writeAppState(database, write({ state: "RUNNING", version: "1.3.0", releaseKey: 13 }), { now: later });
  assert.deepEqual(database.all("SELECT * FROM AppStateHistory"), [{
    id: 1,
    app_name: "Fan_Ctl",
    app_key: 71,
    release_key: 13,
    version: "1.3.0",
    stage: "PROD",
    state: "PRESENT",
    timestamp: localTimeText(later),
  }]);
  assert.equal(readApp(database, id)?.timestamp, localTimeText(later));
});

Deno.test("writeAppState() writes no history and no new time when nothing changed", () => {
  using folder = new Folder();
  using database = folder.open();
  writeAppState(database, write(), { now });
  writeAppState(database, write(), { now: later });
  assert.equal(readApp(database, id)?.timestamp, localTimeText(now));
  assert.deepEqual(database.all("SELECT * FROM AppStateHistory"), []);
});

Deno.test("writeAppState() copies state, target and version into the stored request, even when only the target changed", () => {
  using folder = new Folder();
  using database = folder.open();
  writeRequest(database, sampleRequest({ target: "RUNNING" }), { state: "PRESENT", now });
  writeAppState(database, write({ state: "STOPPING", version: "1.3.0", releaseKey: 13 }), { now });
  writeAppState(database, write({ state: "STOPPING", version: "1.3.0", releaseKey: 13, target: "PRESENT" }), { now });
  const request = readRequest(database, id);
  assert.equal(request?.current, "STOPPING");
  assert.equal(request?.target, "PRESENT");
  assert.equal(request?.presentVersion, "1.3.0");
  assert.equal(request?.releaseKey, 13);
  assert.deepEqual(readApp(database, id)?.requested, { target: "PRESENT", requestorAccountKey: 5 });
});

Deno.test("writeAppState() keeps nothing when a part of it is refused", () => {
  using folder = new Folder();
  using database = folder.open();
  writeRequest(database, sampleRequest(), { state: "PRESENT", now });
  writeAppState(database, write(), { now });
  // STOPPED is a state that the reference agent's tables do not accept.
  assert.throws(
    () => writeAppState(database, write({ state: "FAILED", target: "STOPPED" }), { now: later }),
    (error) => hasCode(error, "store_failed"),
  );
  assert.equal(readApp(database, id)?.state, "PRESENT");
  assert.deepEqual(database.all("SELECT * FROM AppStateHistory"), []);
});

Deno.test("writeAppState() renames the one row of an app instead of adding a second", () => {
  using folder = new Folder();
  using database = folder.open();
  writeAppState(database, write(), { now });
  writeAppState(database, write({ appName: "Fan_New" }), { now });
  assert.deepEqual(readApps(database).map((app) => app.appName), ["Fan_New"]);
});

Deno.test("writeAppState() keeps the two stages of one key apart", () => {
  using folder = new Folder();
  using database = folder.open();
  writeAppState(database, write(), { now });
  writeAppState(database, write({ id: { appKey: 71, stage: "DEV" }, state: "BUILT" }), { now });
  assert.deepEqual(readApps(database).map((app) => `${app.id.stage} ${app.state}`), ["PROD PRESENT", "DEV BUILT"]);
});

Deno.test("the history of all apps is bounded", () => {
  using folder = new Folder();
  using database = folder.open();
  database.run("INSERT INTO AppStateHistory VALUES (20000, 'Old', 1, 0, '', 'DEV', 'RUNNING', '')");
  database.run("INSERT INTO AppStateHistory VALUES (29999, 'Kept', 1, 0, '', 'DEV', 'RUNNING', '')");
  writeAppState(database, write(), { now });
  writeAppState(database, write({ state: "FAILED" }), { now });
  writeAppState(database, write({ state: "RUNNING" }), { now });
  assert.deepEqual(database.all("SELECT id FROM AppStateHistory").map((row) => row.id), [29999, 30000, 30001]);
});

Deno.test("deleteApp() removes state, request and log lines of this stage only; a missing app is fine", () => {
  using folder = new Folder();
  using database = folder.open();
  for (const stage of ["PROD", "DEV"] as const) {
    writeAppState(database, write({ id: { appKey: 71, stage } }), { now });
    writeRequest(database, sampleRequest({ stage }), { state: "PRESENT", now });
    writeLogHistory(database, { id: { appKey: 71, stage }, appName: "shop" }, { lines: [`${stage} line`] });
  }
  deleteApp(database, id);
  deleteApp(database, id);
  assert.equal(readLogHistory(database, id), undefined);
  assert.deepEqual(readLogHistory(database, { appKey: 71, stage: "DEV" }), ["DEV line"]);
  assert.equal(readApp(database, id), undefined);
  assert.equal(readRequest(database, id), undefined);
  assert.equal(readApps(database).length, 1);
});

Deno.test("readApps() skips a row that cannot be read and logs it; the others are returned", () => {
  using folder = new Folder();
  {
    using sql = createReferenceTables(folder.file(), "young");
    insertRow({ sql, table: "AppStates" }, fullStateRow);
    insertRow({ sql, table: "AppStates" }, { ...fullStateRow, app_key: 72, state: "INHERIT" });
    insertRow({ sql, table: "AppStates" }, { ...fullStateRow, app_key: "seventy" });
    sql.exec("INSERT INTO AppStates VALUES (99, 'Huge', 9223372036854775807, '', 0, 'PROD', 'RUNNING', '')");
    insertRow({ sql, table: "RequestedAppStates" }, { ...fullRequestRow, manually_requested_state: "INHERIT" });
  }
  const log = warningsLog();
  using database = folder.open(log);
  assert.deepEqual(readApps(database).map((app) => [app.id.appKey, app.requested]), [[71, undefined]]);
  assert.deepEqual(log.warnings, [
    'Database row skipped AgentError: Cannot read row of AppStates: state must be a state, got "INHERIT"',
    'Database row skipped AgentError: Cannot read row of AppStates: app_key must be a whole number, got "seventy"',
    'Database row skipped AgentError: Cannot read row of AppStates: app_key must be a whole number, got "9223372036854775807"',
  ]);
});

Deno.test("readApps() returns a renamed app of a reference database once, under its newer name", () => {
  using folder = new Folder();
  {
    using sql = createReferenceTables(folder.file(), "old");
    insertRow({ sql, table: "AppStates" }, fullStateRow);
    insertRow({ sql, table: "AppStates" }, { ...fullStateRow, app_name: "Fan_New" });
  }
  using database = folder.open();
  assert.deepEqual(readApps(database).map((app) => app.appName), ["Fan_New"]);
  writeAppState(database, write({ appName: "Fan_New", state: "FAILED" }), { now });
  assert.deepEqual(database.all("SELECT app_name FROM AppStates").map((row) => row.app_name), ["Fan_New"]);
});
