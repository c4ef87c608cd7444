/**
 * The database of the local Studio, one SQLite file: devices, accounts, apps, releases, and the apps of each device. It
 * holds secrets as plain text, because it is a tool for one's own machine; only the owner can read the file.
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { AgentError, messageOf } from "../../lib/base/errors.ts";
import { parseJson } from "../../lib/base/json.ts";

/** A row of a query. */
export type StoredRow = Record<string, unknown>;

const schema = `
  CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS accounts (
    account_key INTEGER PRIMARY KEY, name TEXT NOT NULL, secret TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS devices (
    device_key INTEGER PRIMARY KEY, swarm_key INTEGER NOT NULL, serial TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
    secret TEXT NOT NULL, owner_account_key INTEGER NOT NULL REFERENCES accounts, swarm_name TEXT NOT NULL,
    owner_name TEXT NOT NULL, base_url TEXT NOT NULL, app_cred_key TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'DISCONNECTED', session_id INTEGER NOT NULL DEFAULT 0, stats TEXT NOT NULL DEFAULT 'null',
    tunnel_capable INTEGER, facts TEXT NOT NULL DEFAULT 'null', reported_at TEXT NOT NULL DEFAULT ''
  ) STRICT;
  CREATE TABLE IF NOT EXISTS privileges (
    account_key INTEGER NOT NULL REFERENCES accounts, device_key INTEGER NOT NULL REFERENCES devices,
    privilege TEXT NOT NULL, PRIMARY KEY (account_key, device_key, privilege)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS registry_tokens (
    token TEXT PRIMARY KEY, account_key INTEGER NOT NULL, device_key INTEGER NOT NULL REFERENCES devices,
    expires_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS apps (app_key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS releases (
    release_key INTEGER PRIMARY KEY, app_key INTEGER NOT NULL REFERENCES apps, version TEXT NOT NULL,
    docker_compose TEXT NOT NULL, environment_template TEXT NOT NULL, UNIQUE (app_key, version)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS device_apps (
    device_key INTEGER NOT NULL REFERENCES devices, app_key INTEGER NOT NULL REFERENCES apps, stage TEXT NOT NULL,
    target_state TEXT NOT NULL, current_state TEXT NOT NULL, update_status TEXT NOT NULL,
    present_version TEXT NOT NULL, newest_version TEXT NOT NULL, release_key INTEGER NOT NULL,
    new_release_key INTEGER NOT NULL, request_update INTEGER NOT NULL, requestor_account_key INTEGER NOT NULL,
    environment TEXT NOT NULL, environment_template TEXT NOT NULL, ports TEXT NOT NULL, docker_compose TEXT NOT NULL,
    new_docker_compose TEXT NOT NULL, instance_key INTEGER NOT NULL, app_cred_epoch INTEGER NOT NULL,
    PRIMARY KEY (device_key, app_key, stage)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS exposed_ports (
    port INTEGER NOT NULL, protocol TEXT NOT NULL, device_key INTEGER NOT NULL REFERENCES devices,
    PRIMARY KEY (port, protocol)
  ) STRICT;
`;

/** An open database. Everything is synchronous; every error of SQLite becomes `store_failed`. */
export class Store implements Disposable {
  readonly #sql: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  private constructor(sql: DatabaseSync) {
    this.#sql = sql;
  }

  /** Opens the file, or creates it with mode 0600. Throws `store_failed`. */
  static open(path: string): Store {
    try {
      // Created before SQLite opens it, so that others can never read it.
      Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
      Deno.chmodSync(path, 0o600);
      const sql = new DatabaseSync(path, { timeout: 5_000 });
      sql.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;");
      sql.exec(schema);
      return new Store(sql);
    } catch (error) {
      throw new AgentError("store_failed", `Cannot open "${path}": ${messageOf(error)}`, { cause: error });
    }
  }

  /** All rows of a query. */
  all(text: string, ...values: SQLInputValue[]): StoredRow[] {
    return this.#guard(() => this.#prepare(text).all(...values).map((row) => ({ ...row })));
  }

  /** The first row of a query; undefined when there is none. */
  first(text: string, ...values: SQLInputValue[]): StoredRow | undefined {
    return this.#guard(() => {
      const row = this.#prepare(text).get(...values);
      return row === undefined ? undefined : { ...row };
    });
  }

  /** Runs a statement and returns the number of changed rows. */
  run(text: string, ...values: SQLInputValue[]): number {
    return this.#guard(() => Number(this.#prepare(text).run(...values).changes));
  }

  /** The value of a setting; `make` creates it the first time. */
  setting(name: string, make: () => string): string {
    this.run("INSERT INTO settings VALUES (?, ?) ON CONFLICT DO NOTHING", name, make());
    return textColumn(this.first("SELECT value FROM settings WHERE name = ?", name), "value");
  }

  /** Closes the file; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.#sql.isOpen) this.#sql.close();
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text) ?? this.#sql.prepare(text);
    this.#statements.set(text, known);
    return known;
  }

  #guard<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new AgentError("store_failed", `Cannot use the Studio's database: ${messageOf(error)}`, { cause: error });
    }
  }
}

/** A text column; empty when there is no row. */
export function textColumn(row: StoredRow | undefined, name: string): string {
  const value = row?.[name];
  return typeof value === "string" ? value : "";
}

/** A number column; 0 when there is no row. */
export function numberColumn(row: StoredRow | undefined, name: string): number {
  const value = row?.[name];
  return typeof value === "number" ? value : 0;
}

/** A column with JSON text. */
export function jsonColumn(row: StoredRow | undefined, name: string): unknown {
  return parseJson(textColumn(row, name));
}

/** Random bytes as text that needs no escaping in a URL, a shell or a login. */
export function randomText(byteCount = 24): string {
  const bytes = crypto.getRandomValues(new Uint8Array(byteCount));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
