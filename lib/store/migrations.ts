/**
 * The schema. Its base is that of the reference agent, name for name, so that a device can be rolled back to it:
 * columns and tables are only ever added. Each migration runs once, in its own transaction, and must accept that what
 * it adds is there already.
 */

import { localTimeText } from "../base/local_time.ts";

/** The statements that migrations need; an open database has them. */
export interface Schema {
  all(text: string): Readonly<Record<string, unknown>>[];
  run(text: string, ...values: (string | number)[]): number;
  transaction(work: () => void): void;
}

interface NewColumns {
  table: string;
  columns: readonly [name: string, declaration: string][];
}

interface Migration {
  number: number;
  name: string;
  up(schema: Schema): void;
}

const stateCheck = `IN ('PRESENT', 'REMOVED', 'UNINSTALLED', 'FAILED', 'BUILDING', 'BUILT', 'TRANSFERED', 'TRANSFERING',
  'PUBLISHING', 'PUBLISHED', 'DOWNLOADING', 'STARTING', 'STOPPING', 'UPDATING', 'DELETING', 'RUNNING', 'INHERIT')`;
const stageCheck = "IN ('DEV', 'PROD')";

const baseSchema = [
  `CREATE TABLE IF NOT EXISTS AppStates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_name TEXT NOT NULL,
    app_key INTEGER NOT NULL,
    version TEXT NOT NULL,
    release_key INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (stage ${stageCheck}),
    state TEXT NOT NULL CHECK (state ${stateCheck}),
    timestamp TEXT NOT NULL
  )`,
  "CREATE UNIQUE INDEX IF NOT EXISTS app_states_unique ON AppStates (app_name, app_key, stage)",
  `CREATE TABLE IF NOT EXISTS AppStateHistory (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_name TEXT NOT NULL,
    app_key INTEGER NOT NULL,
    release_key INTEGER NOT NULL,
    version TEXT NOT NULL,
    stage TEXT NOT NULL CHECK (stage ${stageCheck}),
    state TEXT NOT NULL CHECK (state ${stateCheck}),
    timestamp TEXT NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS RequestedAppStates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_name TEXT NOT NULL,
    app_key INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (stage ${stageCheck}),
    version TEXT,
    present_version TEXT,
    newest_version TEXT,
    environment_variables TEXT,
    ports TEXT,
    docker_compose TEXT,
    release_key INTEGER NOT NULL,
    new_release_key INTEGER NOT NULL,
    request_update BOOLEAN NOT NULL CHECK (request_update IN (0, 1)),
    current_state TEXT NOT NULL CHECK (current_state ${stateCheck}),
    manually_requested_state TEXT NOT NULL CHECK (manually_requested_state ${stateCheck}),
    requestor_account_key INTEGER NOT NULL,
    device_owner_account_key INTEGER NOT NULL DEFAULT 0,
    timestamp TEXT NOT NULL
  )`,
  "CREATE UNIQUE INDEX IF NOT EXISTS requested_app_states_unique ON RequestedAppStates (app_name, app_key, stage)",
  `CREATE TABLE IF NOT EXISTS LogHistory (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    app_name TEXT NOT NULL,
    app_key INTEGER NOT NULL,
    stage TEXT NOT NULL CHECK (stage ${stageCheck}),
    log_type TEXT NOT NULL CHECK (log_type IN ('PULL', 'PUSH', 'BUILD', 'APP')),
    log TEXT NOT NULL
  )`,
  "CREATE UNIQUE INDEX IF NOT EXISTS log_history_unique ON LogHistory (app_name, app_key, stage, log_type)",
  `CREATE TABLE IF NOT EXISTS DeviceStates (
    id INTEGER PRIMARY KEY CHECK (id = 1) DEFAULT 1,
    interface_type TEXT NOT NULL CHECK (interface_type IN ('WLAN', 'ETHERNET', 'NONE')),
    device_status TEXT NOT NULL CHECK (device_status IN ('CONNECTED', 'DISCONNECTED')),
    timestamp TEXT NOT NULL
  )`,
  `INSERT OR IGNORE INTO DeviceStates (id, interface_type, device_status, timestamp)
    VALUES (1, 'NONE', 'DISCONNECTED', strftime('%s', 'now'))`,
  `CREATE TABLE IF NOT EXISTS DeviceStateHistory (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    interface_type TEXT NOT NULL CHECK (interface_type IN ('WLAN', 'ETHERNET', 'NONE')),
    device_status TEXT NOT NULL CHECK (device_status IN ('CONNECTED', 'DISCONNECTED')),
    timestamp TEXT NOT NULL
  )`,
];

const migrations: readonly Migration[] = [
  {
    number: 1,
    name: "the reference agent's tables",
    up: (schema) => {
      for (const statement of baseSchema) schema.run(statement);
    },
  },
  {
    number: 2,
    name: "columns that the reference agent added over time",
    up: (schema) =>
      addColumns(schema, {
        table: "RequestedAppStates",
        columns: [
          ["device_owner_account_key", "INTEGER NOT NULL DEFAULT 0"],
          ["docker_compose", "TEXT"],
          ["environment_template", "TEXT"],
          ["new_docker_compose", "TEXT"],
          ["ports", "TEXT"],
        ],
      }),
  },
  {
    number: 3,
    name: "what a request needs to be driven again after a restart",
    up: (schema) =>
      addColumns(schema, {
        table: "RequestedAppStates",
        columns: [
          ["instance_key", "INTEGER NOT NULL DEFAULT 0"],
          ["app_cred_epoch", "INTEGER NOT NULL DEFAULT 0"],
          ["docker_credentials", "TEXT"],
        ],
      }),
  },
  {
    number: 4,
    name: "updates on probation, releases that failed, and failures in a row",
    up: (schema) => {
      schema.run(`CREATE TABLE IF NOT EXISTS ReagentUpdates (
        app_key INTEGER NOT NULL,
        stage TEXT NOT NULL CHECK (stage ${stageCheck}),
        phase TEXT NOT NULL,
        from_version TEXT NOT NULL,
        from_release_key INTEGER NOT NULL,
        to_version TEXT NOT NULL,
        to_release_key INTEGER NOT NULL,
        container TEXT,
        reason TEXT NOT NULL,
        timestamp TEXT NOT NULL,
        PRIMARY KEY (app_key, stage)
      )`);
      schema.run(`CREATE TABLE IF NOT EXISTS ReagentRetries (
        app_key INTEGER NOT NULL,
        stage TEXT NOT NULL CHECK (stage ${stageCheck}),
        failures INTEGER NOT NULL,
        PRIMARY KEY (app_key, stage)
      )`);
    },
  },
  {
    number: 5,
    name: "reports that Studio has not taken yet",
    up: (schema) => {
      schema.run(`CREATE TABLE IF NOT EXISTS ReagentOutbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        happened TEXT NOT NULL,
        report TEXT NOT NULL
      )`);
    },
  },
  {
    number: 6,
    name: "messages about apps that could not be sent yet",
    up: (schema) => {
      schema.run(`CREATE TABLE IF NOT EXISTS ReagentMessages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        happened TEXT NOT NULL,
        channel TEXT NOT NULL,
        chunk TEXT NOT NULL
      )`);
    },
  },
  {
    number: 7,
    name: "volumes that containers of earlier agents have left to apps",
    up: (schema) => {
      schema.run(`CREATE TABLE IF NOT EXISTS ReagentVolumes (
        app_key INTEGER NOT NULL,
        stage TEXT NOT NULL CHECK (stage ${stageCheck}),
        target TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (app_key, stage, target)
      )`);
    },
  },
  {
    number: 8,
    name: "the compose file that an update replaces",
    up: (schema) => addColumns(schema, { table: "ReagentUpdates", columns: [["docker_compose", "TEXT"]] }),
  },
  {
    number: 9,
    name: "ports of the tunnel server that Studio has granted to apps",
    up: (schema) => {
      schema.run(`CREATE TABLE IF NOT EXISTS ReagentRemotePorts (
        app_key INTEGER NOT NULL,
        stage TEXT NOT NULL CHECK (stage ${stageCheck}),
        protocol TEXT NOT NULL,
        port INTEGER NOT NULL,
        remote_port INTEGER NOT NULL,
        PRIMARY KEY (app_key, stage, protocol, port)
      )`);
    },
  },
];

/** Brings the schema up to date. A file that knows later migrations is used as it is: they only added. */
export function migrate(schema: Schema): void {
  schema.run(
    "CREATE TABLE IF NOT EXISTS ReagentMigrations " +
      "(number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL)",
  );
  const applied = new Set(schema.all("SELECT number FROM ReagentMigrations").map((row) => row.number));
  for (const migration of migrations) {
    if (applied.has(migration.number)) continue;
    schema.transaction(() => {
      migration.up(schema);
      schema.run(
        "INSERT INTO ReagentMigrations (number, name, applied) VALUES (?, ?, ?)",
        migration.number,
        migration.name,
        localTimeText(new Date()),
      );
    });
  }
}

function addColumns(schema: Schema, { table, columns }: NewColumns): void {
  const present = new Set(schema.all(`PRAGMA table_info(${table})`).map((row) => row.name));
  for (const [name, declaration] of columns) {
    if (!present.has(name)) schema.run(`ALTER TABLE ${table} ADD COLUMN ${name} ${declaration}`);
  }
}
