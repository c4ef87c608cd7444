/** Looks at a database that another process may have open, without changing it. */

import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../base/errors.ts";

/** What was found. */
export type PagesCheck =
  | { kind: "sound" }
  | { kind: "damaged"; reason: string }
  /** Somebody holds it, or it cannot be opened. */
  | { kind: "unchecked"; reason: string };

const busyMs = 1_000;

/** Reads every page of the file at `path`. */
export function checkPagesOf(path: string): PagesCheck {
  try {
    using database = new DatabaseSync(path, { readOnly: true, timeout: busyMs });
    const [row] = database.prepare("PRAGMA quick_check(1)").all();
    const said = String(Object.values(row ?? {})[0]);
    return said === "ok" ? { kind: "sound" } : { kind: "damaged", reason: said };
  } catch (error) {
    const reason = messageOf(error);
    return { kind: /locked|unable to open|permission/i.test(reason) ? "unchecked" : "damaged", reason };
  }
}
