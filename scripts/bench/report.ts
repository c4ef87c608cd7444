/** The file bench.json: the latest result of each row. Runs of single groups keep the others. Pure. */

import { isDict, parseJson } from "../../lib/base/json.ts";
import type { Result } from "./results.ts";
import { programs, routers } from "./row.ts";
import { isRowId } from "./rows.ts";

/** A result with the time and machine of its measurement. */
export interface RecordedResult extends Result {
  /** ISO 8601. */
  at: string;
  /** Processors, runtime, and load: results of a busy machine mean little. */
  machine: string;
}

/** The text of the file. */
export function reportText(results: readonly RecordedResult[]): string {
  return `${JSON.stringify({ figures: results }, null, 2)}\n`;
}

/** Reads the results of a file; unreadable ones and those of removed rows are left out. */
export function readReport(text: string): RecordedResult[] {
  const value = parseJson(text);
  if (!isDict(value) || !Array.isArray(value.figures)) return [];
  return value.figures.map(decodeResult).filter((result) => result !== undefined);
}

function decodeResult(given: unknown): RecordedResult | undefined {
  if (!isDict(given)) return undefined;
  const { id, value, least, most, yardstick, at, machine } = given;
  const program = programs.find((known) => known === given.program);
  const router = routers.find((known) => known === given.router);
  if (typeof id !== "string" || !isRowId(id) || program === undefined || router === undefined) return undefined;
  if (typeof value !== "number" || typeof least !== "number" || typeof most !== "number") return undefined;
  if (typeof at !== "string" || typeof machine !== "string") return undefined;
  const measured = { id, program, router, value, least, most, at, machine };
  return typeof yardstick === "number" ? { ...measured, yardstick } : measured;
}
