/**
 * The agent's SQLite file: opening it safely, statements, transactions. Everything is synchronous and on one
 * connection.
 */

import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { AgentError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { migrate } from "./migrations.ts";

/** A row as read: integers beyond 2^53 stay `bigint`, so that one of them does not make a whole table unreadable. */
export type Row = Record<string, unknown>;

/** How long a statement waits for another process that holds the file, in milliseconds. */
const busyTimeoutMs = 2_500;

/**
 * One open database file.
 *
 * - Write-ahead log, and a commit is on the disk when it returns (synchronous FULL): an acknowledged row survives power
 *   loss. Only `relaxedTransaction()` is on the disk later.
 * - Every error of SQLite becomes `store_failed`.
 * - `transaction()` inside `transaction()` joins the outer one.
 */
export class Database implements Disposable {
  /** The connection, for what the methods below do not cover. */
  readonly sql: DatabaseSync;
  /** Where rows that cannot be read are logged. */
  readonly log: Log;
  readonly #path: string;
  readonly #isWal: boolean;
  readonly #statements = new Map<string, StatementSync>();
  #isInTransaction = false;

  private constructor(sql: DatabaseSync, options: { path: string; isWal: boolean; log: Log }) {
    this.sql = sql;
    this.#path = options.path;
    this.#isWal = options.isWal;
    this.log = options.log;
  }

  /**
   * Opens the file, or creates it with mode 0600 (it holds registry passwords), sets and reads back the pragmas, checks
   * the pages, and brings the schema up to date. Throws `store_failed` when the file is damaged or cannot be opened;
   * moving a damaged file aside is the caller's decision.
   */
  static open(path: string, options: { log: Log }): Database {
    let sql: DatabaseSync | undefined;
    try {
      keepPrivate(path);
      sql = new DatabaseSync(path, { timeout: busyTimeoutMs });
      const isWal = setPragmas(sql, { path, log: options.log });
      checkPages(sql);
      const database = new Database(sql, { path, isWal, log: options.log });
      migrate(database);
      return database;
    } catch (error) {
      if (sql?.isOpen) sql.close();
      throw new AgentError("store_failed", `Cannot open database "${path}": ${messageOf(error)}`, { cause: error });
    }
  }

  /** All rows of a query. Throws `store_failed`. */
  all(text: string, ...values: SQLInputValue[]): Row[] {
    return this.#guard("read", () => this.#prepare(text).all(...values).map(toRow));
  }

  /** The first row of a query, or undefined. Throws `store_failed`. */
  first(text: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#guard("read", () => {
      const row = this.#prepare(text).get(...values);
      return row === undefined ? undefined : toRow(row);
    });
  }

  /** Runs one statement and returns the number of changed rows. Throws `store_failed`. */
  run(text: string, ...values: SQLInputValue[]): number {
    return this.#guard("write", () => Number(this.#prepare(text).run(...values).changes));
  }

  /** Runs `work` so that all of its writes are kept or none. Rethrows what `work` throws, after the rollback. */
  transaction<T>(work: () => T): T {
    if (this.#isInTransaction) return work();
    this.#guard("write", () => this.sql.exec("BEGIN IMMEDIATE"));
    this.#isInTransaction = true;
    try {
      const result = work();
      this.#guard("write", () => this.sql.exec("COMMIT"));
      return result;
    } catch (error) {
      // After a full disk or an I/O error SQLite has rolled back already.
      if (this.sql.isTransaction) this.sql.exec("ROLLBACK");
      throw error;
    } finally {
      this.#isInTransaction = false;
    }
  }

  /**
   * Like `transaction()`, for what the next process can find out by itself: a power loss may undo it, the end of the
   * process does not. What is committed later is never kept without it. Part of a transaction that is under way.
   */
  relaxedTransaction<T>(work: () => T): T {
    // Only in the write-ahead log the file stays whole without a sync.
    if (this.#isInTransaction || !this.#isWal) return this.transaction(work);
    this.sql.exec("PRAGMA synchronous = NORMAL");
    try {
      return this.transaction(work);
    } finally {
      this.sql.exec("PRAGMA synchronous = FULL");
    }
  }

  /** Closes the file; a second call does nothing. */
  [Symbol.dispose](): void {
    this.#statements.clear();
    if (this.sql.isOpen) this.sql.close();
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.sql.prepare(text);
    statement.setReadBigInts(true);
    this.#statements.set(text, statement);
    return statement;
  }

  #guard<T>(verb: "read" | "write", work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw new AgentError("store_failed", `Cannot ${verb} database "${this.#path}": ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/** New side files of the write-ahead log get the mode of the database file. */
function keepPrivate(path: string): void {
  // Opening a pipe would wait for its other end.
  if (databaseFileInfo(path)?.isFile === false) throw new AgentError("store_failed", "it is not a file");
  Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
  if (Deno.build.os === "windows") return;
  Deno.chmodSync(path, 0o600);
  // An earlier agent may have left them readable for others.
  for (const name of ["-wal", "-shm", "-journal"].map((suffix) => path + suffix)) {
    if (databaseFileInfo(name)?.isFile) Deno.chmodSync(name, 0o600);
  }
}

function databaseFileInfo(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** True when the database has a write-ahead log. */
function setPragmas(sql: DatabaseSync, { path, log }: { path: string; log: Log }): boolean {
  const mode = pragma(sql, "journal_mode = WAL");
  // Without shared memory (some network and overlay file systems) SQLite keeps its old journal, which is as safe.
  if (mode !== "wal") log.warn("The database works without a write-ahead log", { path, journalMode: mode });
  sql.exec("PRAGMA synchronous = FULL");
  const level = pragma(sql, "synchronous");
  if (level !== 2) throw new AgentError("store_failed", `synchronous must be 2 (FULL), is ${level}`);
  return mode === "wal";
}

function checkPages(sql: DatabaseSync): void {
  const verdict = pragma(sql, "quick_check(1)");
  if (verdict !== "ok") throw new AgentError("store_failed", `the file is damaged: ${verdict}`);
}

function pragma(sql: DatabaseSync, text: string): unknown {
  const row = sql.prepare(`PRAGMA ${text}`).get();
  return row === undefined ? undefined : Object.values(row)[0];
}

function toRow(raw: Record<string, unknown>): Row {
  const row: Row = {};
  for (const [name, value] of Object.entries(raw)) {
    row[name] = typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  return row;
}
