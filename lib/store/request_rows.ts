/**
 * What Studio requested for each app (table `RequestedAppStates`): enough to resume the app after a restart, offline.
 */

import { type AppId, type AppRequest, type AppState, idText, type RegistryLogin } from "../model/app.ts";
import { localTimeText } from "../base/local_time.ts";
import type { Log } from "../base/log.ts";
import { decodePortRules, encodePortRule } from "../model/port_rule.ts";
import { summarize } from "../base/bounds.ts";
import { byteLength } from "../base/byte_length.ts";
import { isDict, reject } from "../base/json.ts";
import { type AppStateWrite, writeAppState } from "./app_rows.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** All stored requests, each app once. Rows that cannot be read are skipped with a warning. Throws `store_failed`. */
export function readRequests(database: Database): AppRequest[] {
  const rows = database.all("SELECT * FROM RequestedAppStates ORDER BY id");
  const requests = decodeRows(rows, { decode: (row) => decodeRequestRow(row, database.log), log: database.log });
  return [...new Map(requests.map((request) => [idText(request), request])).values()];
}

/** The stored request of one app; undefined when there is none or its row cannot be read. Throws `store_failed`. */
export function readRequest(database: Database, id: AppId): AppRequest | undefined {
  const rows = database.all(
    "SELECT * FROM RequestedAppStates WHERE app_key = ? AND stage = ? ORDER BY id",
    ...[id.appKey, id.stage],
  );
  return decodeRows(rows, { decode: (row) => decodeRequestRow(row, database.log), log: database.log }).at(-1);
}

/**
 * Stores a request in place of the one stored for the app, even when the app was renamed. `request.target` must be a
 * state that lasts (not a transient one); `options.state` is the app's state on this device. The time of the first
 * request stays.
 *
 * Not every message of Studio carries every field, so a missing value never overwrites a known one: an owner account,
 * instance key or credential epoch of 0, and an empty set of registry logins. Throws `store_failed`.
 */
export function writeRequest(
  database: Database,
  request: AppRequest,
  options: { state: AppState; now: Date },
): void {
  database.transaction(() => {
    mergeRenamed(database, request);
    const values = {
      app_name: request.appName,
      app_key: request.appKey,
      stage: request.stage,
      version: request.version,
      present_version: request.presentVersion,
      newest_version: request.newestVersion,
      ...encodeBulk(request),
      release_key: request.releaseKey,
      new_release_key: request.newReleaseKey,
      request_update: request.requestUpdate ? 1 : 0,
      current_state: options.state,
      manually_requested_state: request.target,
      requestor_account_key: request.requestorAccountKey,
      device_owner_account_key: request.deviceOwnerAccountKey,
      instance_key: request.instanceKey,
      app_cred_epoch: request.appCredEpoch,
      timestamp: localTimeText(options.now),
    };
    database.run(upsert, ...Object.values(values));
  });
}

/** Stores the state of an app together with the request that led to it: both or neither. Throws `store_failed`. */
export function storeAppAndRequest(
  database: Database,
  app: AppStateWrite,
  options: { request: AppRequest; now: Date },
): void {
  const { request, now } = options;
  database.transaction(() => {
    writeAppState(database, app, { now });
    // Last, because the request holds what Studio asks for now, and the state copies what was known before into it.
    writeRequest(database, request, { state: app.state, now });
  });
}

/** The bytes of what can be big in a request, as they are stored. */
export function requestBytes(request: AppRequest): number {
  return Object.values(encodeBulk(request)).reduce((sum, text) => sum + byteLength(text), 0);
}

/** `requestBytes()` of what is stored for one app. Throws `store_failed`. */
export function storedRequestBytes(database: Database, id: AppId): number {
  return sumOf(database.first(`${selectBytes} WHERE app_key = ? AND stage = ?`, id.appKey, id.stage));
}

/** `requestBytes()` of all that is stored. Throws `store_failed`. */
export function allRequestBytes(database: Database): number {
  return sumOf(database.first(selectBytes));
}

function sumOf(row: Row | undefined): number {
  return new Columns("RequestedAppStates", row ?? {}).count("bytes");
}

const bulkNames = [
  ...["environment_variables", "environment_template", "ports"],
  ...["docker_compose", "new_docker_compose", "docker_credentials"],
];

// SQLite knows the length of a text without reading it.
const bulkLengths = bulkNames.map((name) => `coalesce(octet_length(${name}), 0)`).join(" + ");
const selectBytes = `SELECT coalesce(sum(${bulkLengths}), 0) AS bytes FROM RequestedAppStates`;

/** In the order of `bulkNames`. */
function encodeBulk(request: AppRequest): Record<string, string> {
  return {
    environment_variables: JSON.stringify(request.environment),
    environment_template: JSON.stringify(request.environmentTemplate),
    ports: JSON.stringify([...request.ports.map(encodePortRule), ...request.otherPorts]),
    docker_compose: JSON.stringify(request.dockerCompose),
    new_docker_compose: JSON.stringify(request.newDockerCompose),
    docker_credentials: JSON.stringify(request.dockerCredentials),
  };
}

/** In the order of the values in `writeRequest()`. */
const columnNames = [
  ...["app_name", "app_key", "stage", "version", "present_version", "newest_version"],
  ...bulkNames,
  ...[
    "release_key",
    "new_release_key",
    "request_update",
    "current_state",
    "manually_requested_state",
    "requestor_account_key",
  ],
  ...["device_owner_account_key", "instance_key", "app_cred_epoch", "timestamp"],
];
const identityNames = new Set(["app_name", "app_key", "stage", "timestamp"]);
const emptyOf = new Map([
  ["device_owner_account_key", "0"],
  ["instance_key", "0"],
  ["app_cred_epoch", "0"],
  ["docker_credentials", "'{}'"],
]);
const updates = columnNames.filter((name) => !identityNames.has(name)).map((name) => {
  const empty = emptyOf.get(name);
  return {
    name,
    value: empty === undefined ? `excluded.${name}` : `coalesce(nullif(excluded.${name}, ${empty}), ${name})`,
  };
});
const updateAssignments = updates.map(({ name, value }) => `${name} = ${value}`);
// A row that does not change costs no write to the disk: on every connect Studio sends its requests for all apps again.
const differences = updates.map(({ name, value }) => `RequestedAppStates.${name} IS NOT ${value}`);
const upsert = `INSERT INTO RequestedAppStates (${columnNames.join(", ")}) VALUES (${
  columnNames.map(() => "?").join(", ")
})
  ON CONFLICT (app_name, app_key, stage) DO UPDATE SET ${updateAssignments.join(", ")} WHERE ${
  differences.join(" OR ")
}`;

/**
 * Renames the newest row of the app as in the request and removes the others, so that the upsert meets one row at most.
 */
function mergeRenamed(database: Database, request: AppRequest): void {
  const { appKey, stage, appName } = request;
  database.run(
    `DELETE FROM RequestedAppStates WHERE app_key = ? AND stage = ? AND id <>
      (SELECT max(id) FROM RequestedAppStates WHERE app_key = ? AND stage = ?)`,
    ...[appKey, stage, appKey, stage],
  );
  database.run(
    "UPDATE RequestedAppStates SET app_name = ? WHERE app_key = ? AND stage = ? AND app_name <> ?",
    ...[appName, appKey, stage, appName],
  );
}

function decodeRequestRow(row: Row, log: Log): AppRequest {
  const columns = new Columns("RequestedAppStates", row);
  const { rules, others, problems } = decodePortRules(columns.json("ports"));
  // Rows are read again and again, and what a request brought is in the log already.
  if (problems.length > 0) log.debug("Port rules skipped", { app: columns.text("app_name"), ...summarize(problems) });
  return {
    appKey: columns.count("app_key"),
    stage: columns.stage("stage"),
    appName: columns.text("app_name"),
    target: columns.state("manually_requested_state"),
    current: columns.stateOrNone("current_state"),
    requestorAccountKey: columns.countOrZero("requestor_account_key"),
    deviceOwnerAccountKey: columns.countOrZero("device_owner_account_key"),
    releaseKey: columns.countOrZero("release_key"),
    newReleaseKey: columns.countOrZero("new_release_key"),
    version: columns.text("version"),
    presentVersion: columns.text("present_version"),
    newestVersion: columns.text("newest_version"),
    requestUpdate: columns.countOrZero("request_update") === 1,
    cancelTransition: false,
    environment: columns.dict("environment_variables") ?? {},
    environmentTemplate: columns.dict("environment_template") ?? {},
    ports: rules,
    otherPorts: others,
    dockerCompose: columns.dict("docker_compose"),
    newDockerCompose: columns.dict("new_docker_compose"),
    dockerCredentials: decodeLogins(columns.dict("docker_credentials") ?? {}),
    instanceKey: columns.countOrZero("instance_key"),
    appCredEpoch: columns.countOrZero("app_cred_epoch"),
  };
}

function decodeLogins(entries: Record<string, unknown>): Record<string, RegistryLogin> {
  const logins: Record<string, RegistryLogin> = {};
  for (const [host, login] of Object.entries(entries)) {
    if (!isDict(login) || typeof login.username !== "string" || typeof login.password !== "string") {
      // The value may hold a password, so only its path is named.
      return reject("row of RequestedAppStates", `docker_credentials.${host}`, {
        expected: "a login",
        got: typeof login,
      });
    }
    logins[host] = { username: login.username, password: login.password };
  }
  return logins;
}
