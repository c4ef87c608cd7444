/**
 * Does to databases what the reference agent does: creates the tables of its releases, fills every column, reads and
 * changes rows.
 */

import { DatabaseSync } from "node:sqlite";

const states = `"PRESENT", "REMOVED", "UNINSTALLED", "FAILED", "BUILDING", "BUILT", "TRANSFERED", "TRANSFERING",
  "PUBLISHING", "PUBLISHED", "DOWNLOADING", "STARTING", "STOPPING", "UPDATING", "DELETING", "RUNNING", "INHERIT"`;

/** What later releases added to `RequestedAppStates`, in the order of their scripts. */
export const laterColumns: readonly string[] = [
  "device_owner_account_key INTEGER NOT NULL DEFAULT 0",
  "docker_compose TEXT",
  "environment_template TEXT",
  "new_docker_compose TEXT",
  "ports TEXT",
];

const referenceTables = `
  CREATE TABLE IF NOT EXISTS "AppStates" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "app_name" TEXT NOT NULL, "app_key" INTEGER NOT NULL,
    "version" TEXT NOT NULL, "release_key" INTEGER NOT NULL, "stage" TEXT NOT NULL CHECK(stage IN ("DEV", "PROD")),
    "state" TEXT NOT NULL CHECK(state IN (${states})), "timestamp" TEXT NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS app_states_unique ON AppStates (app_name, app_key, stage);
  CREATE TABLE IF NOT EXISTS "AppStateHistory" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "app_name" TEXT NOT NULL,
    "app_key" INTEGER NOT NULL, "release_key" INTEGER NOT NULL, "version" TEXT NOT NULL,
    "stage" TEXT NOT NULL CHECK(stage IN ("DEV", "PROD")), "state" TEXT NOT NULL CHECK(state IN (${states})),
    "timestamp" TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS "RequestedAppStates" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "app_name" TEXT NOT NULL,
    "app_key" INTEGER NOT NULL, "stage" TEXT NOT NULL CHECK(stage IN ("DEV", "PROD")), "version" TEXT,
    "present_version" TEXT, "newest_version" TEXT, "environment_variables" TEXT, "release_key" INTEGER NOT NULL,
    "new_release_key" INTEGER NOT NULL, "request_update" BOOLEAN NOT NULL CHECK (request_update IN (0, 1)),
    "current_state" TEXT NOT NULL CHECK(current_state IN (${states})),
    "manually_requested_state" TEXT NOT NULL CHECK(manually_requested_state IN (${states})),
    "requestor_account_key" INTEGER NOT NULL, "timestamp" TEXT NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS requested_app_states_unique ON RequestedAppStates (app_name, app_key, stage);
  CREATE TABLE IF NOT EXISTS "LogHistory" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "app_name" TEXT NOT NULL, "app_key" INTEGER NOT NULL,
    "stage" TEXT NOT NULL CHECK(stage IN ("DEV", "PROD")),
    "log_type" TEXT NOT NULL CHECK(log_type IN ("PULL", "PUSH", "BUILD", "APP")), "log" TEXT NOT NULL);
  CREATE UNIQUE INDEX IF NOT EXISTS log_history_unique ON LogHistory (app_name, app_key, stage, log_type);
  CREATE TABLE IF NOT EXISTS "DeviceStates" ("id" INTEGER PRIMARY KEY CHECK (id = 1) DEFAULT 1,
    "interface_type" TEXT NOT NULL CHECK(interface_type IN ("WLAN", "ETHERNET", "NONE")),
    "device_status" TEXT NOT NULL CHECK(device_status IN ("CONNECTED", "DISCONNECTED")), "timestamp" TEXT NOT NULL);
  INSERT OR IGNORE INTO DeviceStates (id, interface_type, device_status, timestamp) VALUES (1, 'NONE', 'DISCONNECTED', '1700000000');
  CREATE TABLE IF NOT EXISTS "DeviceStateHistory" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "interface_type" TEXT NOT NULL,
    "device_status" TEXT NOT NULL, "timestamp" TEXT NOT NULL);
`;

/**
 * Opens a file as the reference agent does when it starts: creates what is missing. An `old` release knows none of the
 * columns that were added by later scripts, a `young` one all, the others so many of them.
 */
export function createReferenceTables(path: string, age: "old" | "young" | number): DatabaseSync {
  const sql = new DatabaseSync(path, { enableDoubleQuotedStringLiterals: true });
  sql.exec(referenceTables);
  const count = age === "old" ? 0 : age === "young" ? laterColumns.length : age;
  for (const column of laterColumns.slice(0, count)) {
    try {
      sql.exec(`ALTER TABLE RequestedAppStates ADD COLUMN ${column}`);
    } catch (error) {
      // Its scripts run at every start and pass over what is there.
      if (!String(error).includes("duplicate column name")) throw error;
    }
  }
  return sql;
}

/** Inserts a row given as column → value. */
export function insertRow(
  { sql, table }: { sql: DatabaseSync; table: string },
  row: Record<string, string | number | Uint8Array | null>,
): void {
  const names = Object.keys(row);
  sql.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`)
    .run(...Object.values(row));
}

/** A row of `RequestedAppStates` with every column filled as the reference agent fills it. */
export const fullRequestRow = {
  app_name: "Fan_Ctl",
  app_key: 71,
  stage: "PROD",
  version: "",
  present_version: "1.2.0",
  newest_version: "1.3.0",
  environment_variables: `{"SPEED":{"value":7},"NAME":{"value":"a b=c"}}`,
  environment_template: `{"SPEED":{"defaultValue":"5"}}`,
  ports:
    `[{"main":true,"name":"ui","active":true,"public":false,"port":8080,"protocol":"http","local_ip":"","remote_port_environment":"","remote_port":0,"host_port":31003}]`,
  docker_compose: "null",
  new_docker_compose: `{"services":{"web":{"image":"x"}}}`,
  release_key: 12,
  new_release_key: 13,
  request_update: 1,
  current_state: "RUNNING",
  manually_requested_state: "RUNNING",
  requestor_account_key: 5,
  device_owner_account_key: 9,
  timestamp: "2031-03-05T08:00:00+01:00",
};

/** A row of `AppStates` of the same app. */
export const fullStateRow = {
  app_name: "Fan_Ctl",
  app_key: 71,
  version: "1.2.0",
  release_key: 12,
  stage: "PROD",
  state: "RUNNING",
  timestamp: "2031-03-05T08:00:00+01:00",
};
