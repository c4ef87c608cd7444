import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import type { AppRequest } from "../../../lib/model/app.ts";
import { hasCode } from "../../../lib/base/errors.ts";
import { readApp } from "../../../lib/store/app_rows.ts";
import { readRequest, readRequests, storeAppAndRequest, writeRequest } from "../../../lib/store/request_rows.ts";
import { createReferenceTables, fullRequestRow, insertRow } from "./reference_database.ts";
import { Folder, sampleRequest, warningsLog } from "./samples.ts";

const id = { appKey: 71, stage: "PROD" } as const;
const now = new Date("2031-03-05T07:00:00Z");

Deno.test("readRequest() returns what writeRequest() stored, with the state of the device", () => {
  using folder = new Folder();
  using database = folder.open();
  writeRequest(database, sampleRequest(), { state: "FAILED", now });
  assert.deepEqual(readRequest(database, id), sampleRequest({ current: "FAILED" }));
  assert.deepEqual(readRequests(database), [sampleRequest({ current: "FAILED" })]);
});

Deno.test("writeRequest() replaces every field, the version too, and keeps the time of the first request", () => {
  using folder = new Folder();
  using database = folder.open();
  writeRequest(database, sampleRequest(), { state: "PRESENT", now });
  const first = database.first("SELECT timestamp FROM RequestedAppStates");
  const second = sampleRequest({
    target: "PRESENT",
    version: "3.0.0",
    requestUpdate: false,
    environment: {},
    ports: [],
    dockerCompose: { services: {} },
    newDockerCompose: null,
    requestorAccountKey: 6,
    newestVersion: "",
  });
  writeRequest(database, second, { state: "RUNNING", now: new Date(0) });
  assert.deepEqual(readRequest(database, id), { ...second, current: "RUNNING" });
  assert.deepEqual(database.first("SELECT timestamp FROM RequestedAppStates"), first);
});

Deno.test("M40, M57: writeRequest() keeps owner, instance, epoch and logins that a later message lacks, and accepts new ones", () => {
  using folder = new Folder();
  using database = folder.open();
  const unknown = { deviceOwnerAccountKey: 0, instanceKey: 0, appCredEpoch: 0, dockerCredentials: {} };
  const known = {
    deviceOwnerAccountKey: 9,
    instanceKey: 3,
    appCredEpoch: 4,
    dockerCredentials: sampleRequest().dockerCredentials,
  };
  const other = {
    deviceOwnerAccountKey: 10,
    instanceKey: 5,
    appCredEpoch: 6,
    dockerCredentials: { h: { username: "a", password: "b" } },
  };
  for (
    const { given, expected } of [
      { given: unknown, expected: unknown },
      { given: known, expected: known },
      { given: unknown, expected: known },
      { given: other, expected: other },
    ]
  ) {
    writeRequest(database, sampleRequest(given), { state: "PRESENT", now });
    assert.deepEqual(readRequest(database, id), sampleRequest({ ...expected, current: "PRESENT" }));
  }
});

Deno.test("writeRequest() keeps logins that the reference agent's row never had", () => {
  using folder = new Folder();
  {
    using sql = createReferenceTables(folder.file(), "young");
    insertRow({ sql, table: "RequestedAppStates" }, fullRequestRow);
  }
  using database = folder.open();
  writeRequest(database, sampleRequest({ dockerCredentials: {} }), { state: "PRESENT", now });
  assert.deepEqual(readRequest(database, id)?.dockerCredentials, {});
});

Deno.test("writeRequest() leaves one row for a renamed app and keeps its owner", () => {
  using folder = new Folder();
  {
    using sql = createReferenceTables(folder.file(), "young");
    insertRow({ sql, table: "RequestedAppStates" }, { ...fullRequestRow, app_name: "Older" });
    insertRow({ sql, table: "RequestedAppStates" }, { ...fullRequestRow, app_name: "Old" });
    insertRow({ sql, table: "RequestedAppStates" }, { ...fullRequestRow, app_name: "Other", app_key: 72 });
  }
  using database = folder.open();
  writeRequest(database, sampleRequest({ appName: "New", deviceOwnerAccountKey: 0 }), { state: "PRESENT", now });
  assert.deepEqual(readRequests(database).map((request) => [request.appName, request.deviceOwnerAccountKey]), [
    ["New", 9],
    ["Other", 9],
  ]);
});

Deno.test("storeAppAndRequest() stores both, with what Studio asked for in the request", () => {
  using folder = new Folder();
  using database = folder.open();
  const app = { id, appName: "Fan_Ctl", state: "REMOVED", version: "", releaseKey: 0, target: "RUNNING" } as const;
  storeAppAndRequest(database, app, { request: sampleRequest(), now });
  assert.equal(readApp(database, id)?.state, "REMOVED");
  assert.deepEqual(readRequest(database, id), sampleRequest({ current: "REMOVED" }));
});

Deno.test("storeAppAndRequest() leaves nothing behind when the request is refused", () => {
  using folder = new Folder();
  using database = folder.open();
  const app = { id, appName: "Fan_Ctl", state: "REMOVED", version: "", releaseKey: 0, target: "RUNNING" } as const;
  assert.throws(
    () => storeAppAndRequest(database, app, { request: sampleRequest({ target: "STOPPED" }), now }),
    (error) => hasCode(error, "store_failed"),
  );
  assert.equal(readApp(database, id), undefined);
});

Deno.test("readRequests() reads every column of a recent reference database", () => {
  using folder = new Folder();
  {
    using sql = createReferenceTables(folder.file(), "young");
    insertRow({ sql, table: "RequestedAppStates" }, fullRequestRow);
  }
  using database = folder.open();
  assert.deepEqual(readRequests(database), [sampleRequest({
    current: "RUNNING",
    version: "",
    environment: { SPEED: { value: 7 }, NAME: { value: "a b=c" } },
    ports: sampleRequest().ports.map((rule) => (
      { ...rule, protocol: "http", remotePortEnvironment: "", remotePort: 0, extra: {} }
    )),
    dockerCredentials: {},
    instanceKey: 0,
    appCredEpoch: 0,
  })]);
});

Deno.test("readRequests() reads an old reference database that lacks the later columns", () => {
  using folder = new Folder();
  {
    using sql = createReferenceTables(folder.file(), "old");
    const {
      device_owner_account_key: _,
      docker_compose: _1,
      environment_template: _2,
      new_docker_compose: _3,
      ports: _4,
      ...old
    } = fullRequestRow;
    insertRow({ sql, table: "RequestedAppStates" }, old);
  }
  using database = folder.open();
  const [request] = readRequests(database);
  assert.equal(request?.deviceOwnerAccountKey, 0);
  assert.deepEqual(request?.ports, []);
  assert.equal(request?.dockerCompose, null);
  assert.deepEqual(request?.environmentTemplate, {});
});

Deno.test("readRequests() understands NULL, empty text, the text null and bytes", () => {
  using folder = new Folder();
  const bytes = new TextEncoder().encode(`{"A":{"value":"ü"}}`);
  {
    using sql = createReferenceTables(folder.file(), "young");
    insertRow({ sql, table: "RequestedAppStates" }, {
      ...fullRequestRow,
      version: null,
      present_version: null,
      newest_version: null,
      environment_variables: bytes,
      environment_template: "",
      ports: null,
      docker_compose: null,
      new_docker_compose: "null",
    });
  }
  const log = warningsLog();
  using database = folder.open(log);
  assert.deepEqual(readRequests(database).map((request) => ({ ...request })), [sampleRequest({
    current: "RUNNING",
    version: "",
    presentVersion: "",
    newestVersion: "",
    environment: { A: { value: "ü" } },
    environmentTemplate: {},
    ports: [],
    newDockerCompose: null,
    dockerCredentials: {},
    instanceKey: 0,
    appCredEpoch: 0,
  })]);
  assert.deepEqual(log.warnings, []);
});

Deno.test("readRequests() skips a row with broken JSON, and only a broken rule of the ports", () => {
  using folder = new Folder();
  {
    using sql = createReferenceTables(folder.file(), "young");
    insertRow({ sql, table: "RequestedAppStates" }, { ...fullRequestRow, docker_compose: "{" });
    insertRow({ sql, table: "RequestedAppStates" }, { ...fullRequestRow, app_key: 72, environment_variables: "[1]" });
    insertRow({ sql, table: "RequestedAppStates" }, {
      ...fullRequestRow,
      app_key: 73,
      ports: `[{"port":"x"},{"port":81}]`,
    });
  }
  const log = warningsLog();
  using database = folder.open(log);
  assert.deepEqual(readRequests(database).map((request) => [request.appKey, request.ports.map((rule) => rule.port)]), [[
    73,
    [81],
  ]]);
  assert.equal(log.warnings.length, 2);
});

Deno.test("the error for a malformed login names its host and never its password", () => {
  using folder = new Folder();
  const log = warningsLog();
  using database = folder.open(log);
  writeRequest(database, sampleRequest(), { state: "PRESENT", now });
  database.run(`UPDATE RequestedAppStates SET docker_credentials = '{"host":{"username":1,"password":"secret"}}'`);
  assert.deepEqual(readRequests(database), []);
  assert.match(log.warnings.join(), /docker_credentials\.host/);
  assert.doesNotMatch(log.warnings.join(), /secret/);
});

Deno.test("the reference agent's own statements read and write our rows", () => {
  using folder = new Folder();
  {
    using database = folder.open();
    writeRequest(database, sampleRequest(), { state: "PRESENT", now });
  }
  using sql = new DatabaseSync(folder.file());
  const row = sql.prepare(
    `SELECT ${Object.keys(fullRequestRow).join(", ")} FROM RequestedAppStates WHERE app_key = ? AND stage = ?`,
  ).get(71, "PROD");
  assert.equal(row?.environment_variables, `{"SPEED":{"value":7}}`);
  assert.equal(row?.docker_compose, "null");
  assert.equal(row?.request_update, 1);
  assert.match(String(row?.timestamp), /^2031-03-05T\d\d:00:00(Z|[+-]\d\d:\d\d)$/);
  const names = Object.keys(fullRequestRow);
  sql.prepare(
    `INSERT INTO RequestedAppStates (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})
      ON CONFLICT (app_name, app_key, stage) DO UPDATE SET ports = excluded.ports`,
  ).run(...Object.values(fullRequestRow));
  insertRow({ sql, table: "RequestedAppStates" }, { ...fullRequestRow, app_key: 72 });
});

Deno.test("storing what is stored already writes nothing, and every change is written", () => {
  using folder = new Folder();
  using database = folder.open();
  const request = sampleRequest();
  const { appName, target, presentVersion: version, releaseKey } = request;
  const app = { id, appName, state: "RUNNING", target, version, releaseKey } as const;
  const store = (change: Partial<AppRequest> = {}) => {
    const before = database.first("SELECT total_changes() AS count")?.count;
    storeAppAndRequest(database, app, { request: { ...request, ...change }, now });
    return Number(database.first("SELECT total_changes() AS count")?.count) - Number(before);
  };
  assert.ok(store() > 0);
  assert.equal(store(), 0);
  assert.equal(store({ instanceKey: 0, appCredEpoch: 0, deviceOwnerAccountKey: 0, dockerCredentials: {} }), 0);
  const changes: Partial<AppRequest>[] = [
    { newestVersion: "9" },
    { environment: { A: { value: "b" } } },
    { ports: [] },
    { requestUpdate: !request.requestUpdate },
    { dockerCompose: { services: {} } },
    { instanceKey: 77 },
  ];
  for (const change of changes) {
    assert.equal(store(change), 1, JSON.stringify(change));
    assert.equal(readRequest(database, id)?.newestVersion, change.newestVersion ?? request.newestVersion);
    store();
  }
});
