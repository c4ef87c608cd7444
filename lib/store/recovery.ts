/** Opens the database whatever state its file is in: a damaged file is set aside, and an empty one takes its place. */

import { AgentError, hasCode, messageOf, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Database } from "./database.ts";

/** A database that is open. */
export interface OpenedDatabase {
  database: Database;
  /** Where the damaged file has gone; undefined when there was none, and what was stored is there. */
  damagedPath: string | undefined;
}

/** What SQLite says of a file that it cannot use. Everything else (no room, no right, a lock) may pass, and sets nothing aside. */
const damage = /not a database|malformed|is damaged|disk image|unsupported file format|corrupt/i;

/** Files set aside that are kept; each may be as big as the database. */
const keptFiles = 2;

const sideFiles = ["", "-wal", "-shm", "-journal"];

/** Opens the database at `path`. Throws `store_failed` when it cannot be opened and is not damaged. */
export function openOrReplace(path: string, options: { log: Log; now: Date }): OpenedDatabase {
  const { log, now } = options;
  try {
    return { database: Database.open(path, { log }), damagedPath: undefined };
  } catch (error) {
    // The path may have any words in it.
    if (!hasCode(error, "store_failed") || !damage.test(textOf(error).replaceAll(path, ""))) throw error;
    const damagedPath = setAside(path, now);
    log.error("The database is damaged; it was set aside, and a new one takes its place", {
      path,
      damagedPath,
      error,
    });
    removeOldest(path, log);
    return { database: Database.open(path, { log }), damagedPath };
  }
}

function setAside(path: string, now: Date): string {
  const stamp = now.toISOString().replaceAll(":", "-").replace("Z", "");
  const target = `${path}.damaged-${stamp}`;
  for (const suffix of sideFiles) {
    try {
      Deno.renameSync(`${path}${suffix}`, `${target}${suffix}`);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      throw new AgentError("store_failed", `Cannot set the damaged database "${path}" aside: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
  return target;
}

function removeOldest(path: string, log: Log): void {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  const folder = end < 0 ? "." : path.slice(0, end) || "/";
  const prefix = `${path.slice(end + 1)}.damaged-`;
  try {
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith(prefix));
    const stamps = [...new Set(names.map((name) => name.replace(/-(wal|shm|journal)$/, "")))].sort();
    for (const stamp of stamps.slice(0, -keptFiles)) {
      for (const name of names.filter((candidate) => candidate.startsWith(stamp))) Deno.removeSync(`${folder}/${name}`);
    }
  } catch (error) {
    log.warn("Cannot remove old damaged databases", { folder, error });
  }
}
