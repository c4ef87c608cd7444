/** All rows of the benchmark. Pure. */

import { agentRows } from "./agent_rows.ts";
import { composeAndDevRows } from "./compose_and_dev_rows.ts";
import { heavyRows } from "./heavy_rows.ts";
import { reachRows } from "./reach_rows.ts";
import type { Row } from "./row.ts";

const table = { ...agentRows, ...composeAndDevRows, ...reachRows, ...heavyRows };

/** The name of a row, also in bench.json. */
export type RowId = keyof typeof table;

/** All rows in the order in which they are shown. A new row needs a group that measures it (`groups.ts`). */
export const rows: Readonly<Record<RowId, Row>> = table;

/** The names of all rows, in the same order. */
export const rowIds: readonly RowId[] = Object.keys(table).filter(isRowId);

/** True for the name of a row. */
export function isRowId(text: string): text is RowId {
  return Object.hasOwn(table, text);
}
