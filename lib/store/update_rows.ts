/**
 * What has to be remembered about an app's update (table `ReagentUpdates`): what the new release replaces, until it has
 * proven that it runs; and which release has failed, so that it is not tried again in a loop.
 */

import type { AppId } from "../model/app.ts";
import { localTimeText } from "../base/local_time.ts";
import type { Dict } from "../base/json.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** A version with the key of its release in Studio. */
export interface Release {
  version: string;
  releaseKey: number;
}

/**
 * `switch`: the old container is about to be removed, or is removed, and the old version still counts. `probation`: the
 * new version counts, and is watched. `failed`: the old version counts again.
 */
export type UpdatePhase = "switch" | "probation" | "failed";

const phases: readonly UpdatePhase[] = ["switch", "probation", "failed"];

/** The update of one app. */
export interface StoredUpdate {
  id: AppId;
  phase: UpdatePhase;
  /** The last release that has proven that it runs. */
  from: Release;
  to: Release;
  /** The settings of the old container, as the engine accepts them; null when there was none. Holds secrets. */
  container: Dict | null;
  /** The compose file of `from`; absent when it was an app of one container. */
  dockerCompose?: Dict;
  /** Why `to` has failed; empty otherwise. */
  reason: string;
}

/** The update of an app; undefined when there is none or its row cannot be read. Throws `store_failed`. */
export function readUpdate(database: Database, id: AppId): StoredUpdate | undefined {
  const rows = database.all(
    "SELECT rowid AS id, * FROM ReagentUpdates WHERE app_key = ? AND stage = ?",
    ...[id.appKey, id.stage],
  );
  return decodeRows(rows, { decode: decodeUpdate, log: database.log }).at(-1);
}

/** Stores an update in place of the one stored for the app. Throws `store_failed`. */
export function writeUpdate(database: Database, update: StoredUpdate, options: { now: Date }): void {
  const { id, phase, from, to, container, dockerCompose = null, reason } = update;
  database.run(
    `INSERT OR REPLACE INTO ReagentUpdates (app_key, stage, phase, from_version, from_release_key, to_version,
      to_release_key, container, docker_compose, reason, timestamp) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[id.appKey, id.stage, phase, from.version, from.releaseKey, to.version, to.releaseKey],
    ...[JSON.stringify(container), JSON.stringify(dockerCompose), reason, localTimeText(options.now)],
  );
}

/** Deletes the update of an app. None is fine. Throws `store_failed`. */
export function deleteUpdate(database: Database, id: AppId): void {
  database.run("DELETE FROM ReagentUpdates WHERE app_key = ? AND stage = ?", id.appKey, id.stage);
}

/** How often an app has failed in a row; 0 when it has not. Throws `store_failed`. */
export function readFailures(database: Database, id: AppId): number {
  const row = database.first(
    "SELECT failures FROM ReagentRetries WHERE app_key = ? AND stage = ?",
    ...[id.appKey, id.stage],
  );
  return typeof row?.failures === "number" ? row.failures : 0;
}

/** Stores how often an app has failed in a row. Throws `store_failed`. */
export function writeFailures(database: Database, id: AppId, { failures }: { failures: number }): void {
  if (failures === 0) database.run("DELETE FROM ReagentRetries WHERE app_key = ? AND stage = ?", id.appKey, id.stage);
  else {
    database.run(
      "INSERT OR REPLACE INTO ReagentRetries (app_key, stage, failures) VALUES (?, ?, ?)",
      ...[id.appKey, id.stage, failures],
    );
  }
}

function decodeUpdate(row: Row): StoredUpdate {
  const columns = new Columns("ReagentUpdates", row);
  const id: AppId = { appKey: columns.count("app_key"), stage: columns.stage("stage") };
  const text = columns.text("phase");
  const dockerCompose = columns.dict("docker_compose");
  return {
    id,
    // A phase of a later agent: to be safe, the new version has yet to prove itself.
    phase: phases.find((phase) => phase === text) ?? "probation",
    from: { version: columns.text("from_version"), releaseKey: columns.countOrZero("from_release_key") },
    to: { version: columns.text("to_version"), releaseKey: columns.countOrZero("to_release_key") },
    container: columns.dict("container"),
    ...(dockerCompose === null ? {} : { dockerCompose }),
    reason: columns.text("reason"),
  };
}
