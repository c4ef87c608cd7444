/** The file bench.json: what the last runs have measured, kept over runs of single groups. Pure. */

import { isDict, parseJson } from "../../lib/base/json.ts";
import type { Figure } from "./figures.ts";
import { programs, routers } from "./row.ts";
import { isRowId } from "./rows.ts";

/** A figure, and when and where it was measured. */
export interface NotedFigure extends Figure {
  /** ISO 8601. */
  at: string;
  /** Processors, runtime, and how busy the machine was: figures of a busy one are worth little. */
  machine: string;
}

/** The text of the file. */
export function reportText(figures: readonly NotedFigure[]): string {
  return `${JSON.stringify({ figures }, null, 2)}\n`;
}

/** The figures in a file; those that cannot be read, or whose row is gone, are left out. */
export function readReport(text: string): NotedFigure[] {
  const value = parseJson(text);
  if (!isDict(value) || !Array.isArray(value.figures)) return [];
  return value.figures.map(decodeFigure).filter((figure) => figure !== undefined);
}

function decodeFigure(given: unknown): NotedFigure | undefined {
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
