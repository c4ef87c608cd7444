/**
 * Decoders for the columns of a row. They accept what the reference agent wrote: NULL, the text `null`, JSON as bytes.
 */

import { AgentError } from "../base/errors.ts";
import { type AppState, isAppState, isStage, type Stage } from "../model/app.ts";
import { type Dict, isCount, isDict, parseJson, reject, show } from "../base/json.ts";
import type { Log } from "../base/log.ts";
import type { Row } from "./database.ts";

/** Reads the columns of one row of `table`; every method throws `bad_request` when the column cannot be read. */
export class Columns {
  readonly #table: string;
  readonly #row: Row;

  constructor(table: string, row: Row) {
    this.#table = table;
    this.#row = row;
  }

  /** A whole number from 0 to 2^53 − 1. */
  count(name: string): number {
    const value = this.#row[name];
    return isCount(value) ? value : this.#fail(name, "a whole number");
  }

  /** Like `count()`; 0 when the column is NULL. */
  countOrZero(name: string): number {
    return this.#row[name] === null ? 0 : this.count(name);
  }

  /** Text; NULL is the empty text. */
  text(name: string): string {
    const value = this.#row[name];
    if (value === null) return "";
    if (value instanceof Uint8Array) return new TextDecoder().decode(value);
    return typeof value === "string" ? value : this.#fail(name, "text");
  }

  /** A stage. */
  stage(name: string): Stage {
    const value = this.#row[name];
    return isStage(value) ? value : this.#fail(name, "DEV or PROD");
  }

  /** A state of an app; `INHERIT`, which the schema allows, is none. */
  state(name: string): AppState {
    const value = this.#row[name];
    return isAppState(value) ? value : this.#fail(name, "a state");
  }

  /** Like `state()`; undefined for anything else. */
  stateOrNone(name: string): AppState | undefined {
    const value = this.#row[name];
    return isAppState(value) ? value : undefined;
  }

  /** The value of JSON text; null when the column is NULL, empty or the text `null`. */
  json(name: string): unknown {
    const text = this.text(name);
    if (text.trim() === "") return null;
    const value = parseJson(text);
    return value === undefined ? this.#fail(name, "JSON") : value;
  }

  /** A JSON object, or null when absent. */
  dict(name: string): Dict | null {
    const value = this.json(name);
    return value === null || isDict(value) ? value : this.#fail(name, "a JSON object");
  }

  #fail(name: string, expected: string): never {
    const got = this.#row[name];
    return reject(`row of ${this.#table}`, name, { expected, got: typeof got === "bigint" ? `${got}` : got });
  }
}

/**
 * Decodes rows one by one. A row that cannot be decoded is skipped with a warning: one bad row must not cost the device
 * its other apps.
 */
export function decodeRows<T>(rows: readonly Row[], options: { decode: (row: Row) => T; log: Log }): T[] {
  const decoded: T[] = [];
  for (const row of rows) {
    try {
      decoded.push(options.decode(row));
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      options.log.warn("Database row skipped", { id: show(row.id), app: show(row.app_name), error });
    }
  }
  return decoded;
}
