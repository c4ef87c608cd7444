/** Opens the database whatever state its file is in: a damaged file is set aside, and an empty one takes its place. */

import { AgentError, hasCode, messageOf, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Database } from "./database.ts";

/** A database that is open. */
export interface OpenedDatabase {
  database: Database;
  /** Where the damaged file has gone just now; undefined when it was in order. */
  damagedPath: string | undefined;
  /** What was stored was lost, now or in an earlier life, and Studio has not said since what it wants. */
  isRebuilt: boolean;
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
    const database = openTwice(path, log);
    // A file that was set aside tells it also when the power went before the new one was there.
    return { database, damagedPath: undefined, isRebuilt: filesAside(path).length > 0 && !isSettled(database) };
  } catch (error) {
    if (!isDamage(error, path)) throw error;
    const damagedPath = setAside(path, now);
    log.error("The database is damaged; it was set aside, and a new one takes its place", {
      path,
      damagedPath,
      error,
    });
    removeOldest(path, log);
    return { database: Database.open(path, { log }), damagedPath, isRebuilt: true };
  }
}

/** Studio has said what it wants: from now on a database that took the place of a lost one counts like every other. Throws `store_failed`. */
export function settle(database: Database): void {
  database.run("PRAGMA user_version = 1");
}

function isSettled(database: Database): boolean {
  return database.first("PRAGMA user_version")?.user_version !== 0;
}

/** A disk that fails for a moment looks like a damaged file. */
function openTwice(path: string, log: Log): Database {
  try {
    return Database.open(path, { log });
  } catch (error) {
    if (!isDamage(error, path)) throw error;
    return Database.open(path, { log });
  }
}

/** The path may have any words in it. */
function isDamage(error: unknown, path: string): boolean {
  return hasCode(error, "store_failed") && damage.test(textOf(error).replaceAll(path, ""));
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
  try {
    const files = filesAside(path);
    const stamps = [...new Set(files.map((file) => file.replace(/-(wal|shm|journal)$/, "")))].sort();
    for (const stamp of stamps.slice(0, -keptFiles)) {
      for (const file of files.filter((candidate) => candidate.startsWith(stamp))) Deno.removeSync(file);
    }
  } catch (error) {
    log.warn("Cannot remove old damaged databases", { path, error });
  }
}

/** Files of damaged databases beside `path`, with their side files; none where the folder cannot be read. */
function filesAside(path: string): string[] {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  const folder = end < 0 ? "." : path.slice(0, end) || "/";
  const prefix = `${path.slice(end + 1)}.damaged-`;
  try {
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    return names.filter((name) => name.startsWith(prefix)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
