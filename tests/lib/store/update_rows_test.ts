import assert from "node:assert/strict";
import { deleteApp, readApps, writeAppState } from "../../../lib/store/app_rows.ts";
import { readRequest, writeRequest } from "../../../lib/store/request_rows.ts";
import {
  deleteUpdate,
  readFailures,
  readUpdate,
  type StoredUpdate,
  writeFailures,
  writeUpdate,
} from "../../../lib/store/update_rows.ts";
import { Folder, sampleRequest, warningsLog } from "./samples.ts";

const now = new Date("2031-03-05T07:00:00Z");
const id = { appKey: 71, stage: "PROD" } as const;
const others = [{ appKey: 71, stage: "DEV" }, { appKey: 72, stage: "PROD" }] as const;
const app = { id, appName: "Fan_Ctl", state: "RUNNING", version: "1", releaseKey: 7, target: "RUNNING" } as const;

function sampleUpdate(change: Partial<StoredUpdate> = {}): StoredUpdate {
  return {
    id,
    phase: "switch",
    from: { version: "1", releaseKey: 7 },
    to: { version: "2", releaseKey: 8 },
    container: { Image: "r/x:1", Env: ["A=1"], HostConfig: { Privileged: true } },
    reason: "",
    ...change,
  };
}

const updates: { name: string; update: StoredUpdate }[] = [
  { name: "a switch", update: sampleUpdate() },
  { name: "a probation", update: sampleUpdate({ phase: "probation" }) },
  {
    name: "a failure without a container",
    update: sampleUpdate({ phase: "failed", container: null, reason: 'a "b" ü' }),
  },
  { name: "a first version that has no name", update: sampleUpdate({ from: { version: "", releaseKey: 0 } }) },
];

for (const { name, update } of updates) {
  Deno.test(`readUpdate() returns ${name}, even after a restart`, () => {
    using folder = new Folder();
    {
      using database = folder.open();
      writeUpdate(database, update, { now });
      assert.deepEqual(readUpdate(database, id), update);
    }
    using database = folder.open();
    assert.deepEqual(readUpdate(database, id), update);
  });
}

Deno.test("writeUpdate() replaces the update of the same app and leaves those of others", () => {
  using folder = new Folder();
  using database = folder.open();
  for (const other of others) writeUpdate(database, sampleUpdate({ id: other, reason: "other" }), { now });
  writeUpdate(database, sampleUpdate(), { now });
  writeUpdate(database, sampleUpdate({ phase: "failed", reason: "x" }), { now });
  assert.deepEqual(readUpdate(database, id), sampleUpdate({ phase: "failed", reason: "x" }));
  for (const other of others) assert.equal(readUpdate(database, other)?.reason, "other");
});

Deno.test("deleteUpdate() deletes the update of one app, and a missing one is fine", () => {
  using folder = new Folder();
  using database = folder.open();
  for (const one of [id, ...others]) writeUpdate(database, sampleUpdate({ id: one }), { now });
  deleteUpdate(database, id);
  deleteUpdate(database, id);
  assert.equal(readUpdate(database, id), undefined);
  for (const other of others) assert.ok(readUpdate(database, other));
});

Deno.test("a phase of a later agent is read as a probation, and a row that cannot be read as none", () => {
  using folder = new Folder();
  const log = warningsLog();
  using database = folder.open(log);
  writeUpdate(database, sampleUpdate(), { now });
  database.run("UPDATE ReagentUpdates SET phase = 'blue-green'");
  assert.equal(readUpdate(database, id)?.phase, "probation");
  database.run("UPDATE ReagentUpdates SET container = '[1'");
  assert.equal(readUpdate(database, id), undefined);
  assert.equal(log.warnings.length, 1);
});

Deno.test("readFailures() returns what writeFailures() stored, and 0 for an app that has not failed", () => {
  using folder = new Folder();
  using database = folder.open();
  assert.equal(readFailures(database, id), 0);
  writeFailures(database, id, { failures: 2 });
  writeFailures(database, id, { failures: 3 });
  assert.equal(readFailures(database, id), 3);
  for (const other of others) assert.equal(readFailures(database, other), 0);
  writeFailures(database, id, { failures: 0 });
  assert.equal(database.first("SELECT count(*) AS count FROM ReagentRetries")?.count, 0);
});

Deno.test("deleteApp() deletes update and failures of the app as well", () => {
  using folder = new Folder();
  using database = folder.open();
  for (const one of [id, ...others]) {
    writeUpdate(database, sampleUpdate({ id: one }), { now });
    writeFailures(database, one, { failures: 2 });
  }
  deleteApp(database, id);
  assert.deepEqual([readUpdate(database, id), readFailures(database, id)], [undefined, 0]);
  for (const other of others) assert.equal(readFailures(database, other), 2);
});

Deno.test("a database of migration 3 gains the tables of updates and reports and keeps its rows", () => {
  using folder = new Folder();
  {
    using database = folder.open();
    writeAppState(database, app, { now });
    writeRequest(database, sampleRequest(), { state: "RUNNING", now });
    for (const table of ["ReagentUpdates", "ReagentRetries", "ReagentOutbox"]) database.run(`DROP TABLE ${table}`);
    database.run("DELETE FROM ReagentMigrations WHERE number > 3");
  }
  using database = folder.open();
  assert.deepEqual(database.all("SELECT number FROM ReagentMigrations").map((row) => row.number), [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
  ]);
  assert.deepEqual(readApps(database).map(({ appName, state, version }) => [appName, state, version]), [
    ["Fan_Ctl", "RUNNING", "1"],
  ]);
  assert.equal(readRequest(database, id)?.dockerCredentials["registry.example.com"]?.password, "p");
  writeUpdate(database, sampleUpdate(), { now });
  assert.deepEqual(readUpdate(database, id), sampleUpdate());
});

Deno.test("tables of updates and reports that are there already keep their rows when the migrations run again", () => {
  using folder = new Folder();
  {
    using database = folder.open();
    writeUpdate(database, sampleUpdate(), { now });
    writeFailures(database, id, { failures: 4 });
    database.run("DELETE FROM ReagentMigrations WHERE number > 3");
  }
  using database = folder.open();
  assert.deepEqual(readUpdate(database, id), sampleUpdate());
  assert.equal(readFailures(database, id), 4);
});
