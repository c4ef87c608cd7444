import assert from "node:assert/strict";
import { clearLogHistory, deleteLogHistory, readLogHistory, writeLogHistory } from "../../../lib/store/log_rows.ts";
import { Folder, warningsLog } from "./samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;

Deno.test("readLogHistory() returns what writeLogHistory() stored last", () => {
  using folder = new Folder();
  using database = folder.open();
  assert.equal(readLogHistory(database, id), undefined);
  writeLogHistory(database, { id, appName: "Fan_Ctl" }, { lines: ["one"] });
  writeLogHistory(database, { id, appName: "Fan_Ctl" }, { lines: ["one", "zwei ü"] });
  assert.deepEqual(readLogHistory(database, id), ["one", "zwei ü"]);
  assert.equal(readLogHistory(database, { ...id, stage: "DEV" }), undefined);
});

Deno.test("writeLogHistory() stores the lower-case name and leaves no row under another one", () => {
  using folder = new Folder();
  using database = folder.open();
  const insert =
    "INSERT INTO LogHistory (app_name, app_key, stage, log_type, log) VALUES (?, 71, 'PROD', ?, '[\"old\"]')";
  database.run(insert, "Fan_Ctl", "APP");
  database.run(insert, "fan_ctl", "BUILD");
  writeLogHistory(database, { id, appName: "Fan_Ctl" }, { lines: ["new"] });
  assert.deepEqual(
    database.all("SELECT app_name, log_type, log FROM LogHistory ORDER BY log_type").map((row) => Object.values(row)),
    [["fan_ctl", "APP", `["new"]`], ["fan_ctl", "BUILD", `["new"]`]],
  );
});

Deno.test("clearLogHistory() empties, deleteLogHistory() removes; a missing app is fine for both", () => {
  using folder = new Folder();
  using database = folder.open();
  clearLogHistory(database, id);
  deleteLogHistory(database, id);
  writeLogHistory(database, { id, appName: "a" }, { lines: ["one"] });
  clearLogHistory(database, id);
  assert.deepEqual(readLogHistory(database, id), []);
  deleteLogHistory(database, id);
  assert.equal(readLogHistory(database, id), undefined);
});

Deno.test("readLogHistory() treats anything but JSON as nothing stored, and logs it", () => {
  using folder = new Folder();
  const log = warningsLog();
  using database = folder.open(log);
  database.run(
    "INSERT INTO LogHistory (app_name, app_key, stage, log_type, log) VALUES ('a', 71, 'PROD', 'APP', 'oops')",
  );
  assert.equal(readLogHistory(database, id), undefined);
  assert.equal(log.warnings.length, 1);
  database.run("UPDATE LogHistory SET log = '[1, \"line\"]'");
  assert.deepEqual(readLogHistory(database, id), ["line"]);
});
