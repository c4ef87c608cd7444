/** Opens the database in whatever state its file is: a damaged file is set aside, and an empty one takes its place. */

import { AgentError, hasCode, messageOf, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { fileNameOf, folderOf } from "../files/path_parts.ts";
import { Database } from "./database.ts";

/** An open database, and what happened to the one before it. */
export interface OpenedDatabase {
  database: Database;
  /** Where the damaged file was moved to; undefined when it was not damaged. */
  damagedPath: string | undefined;
  /** What was stored was lost, now or at an earlier start, and Studio has not sent its requests since. */
  isRebuilt: boolean;
}

/**
 * How SQLite describes a damaged file. Everything else (a full disk, a missing right, a lock) is transient, and sets
 * nothing aside.
 */
const damage = /not a database|malformed|is damaged|disk image|unsupported file format|corrupt/i;

/** How many damaged files are kept; each may be as big as the database. */
const keptFiles = 2;

const sideFiles = ["", "-wal", "-shm", "-journal"];

/** Opens the database at `path`. Throws `store_failed` when it cannot be opened and is not damaged. */
export function openWithRecovery(path: string, options: { log: Log; now: Date }): OpenedDatabase {
  const { log, now } = options;
  try {
    const database = openTwice(path, log);
    // A damaged file proves the loss even when the power failed before the new database was created.
    return {
      database,
      damagedPath: undefined,
      isRebuilt: damagedFiles(path).length > 0 && !isRebuildComplete(database),
    };
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

/**
 * Marks a database that replaced a lost one as complete, because Studio has sent its requests again. Throws
 * `store_failed`.
 */
export function completeRebuild(database: Database): void {
  database.run("PRAGMA user_version = 1");
}

function isRebuildComplete(database: Database): boolean {
  return database.first("PRAGMA user_version")?.user_version !== 0;
}

/** Opens again before it believes in damage, because a disk that fails for a moment looks like a damaged file. */
function openTwice(path: string, log: Log): Database {
  try {
    return Database.open(path, { log });
  } catch (error) {
    if (!isDamage(error, path)) throw error;
    return Database.open(path, { log });
  }
}

/** Looks at the text without the path, which may contain the same words. */
function isDamage(error: unknown, path: string): boolean {
  return hasCode(error, "store_failed") && damage.test(textOf(error).replaceAll(path, ""));
}

/** Moves the database with its side files, and returns the path it has now. */
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
    const files = damagedFiles(path);
    const stamps = [...new Set(files.map((file) => file.replace(/-(wal|shm|journal)$/, "")))].sort();
    for (const stamp of stamps.slice(0, -keptFiles)) {
      for (const file of files.filter((candidate) => candidate.startsWith(stamp))) Deno.removeSync(file);
    }
  } catch (error) {
    log.warn("Cannot remove old damaged databases", { path, error });
  }
}

/** The files of damaged databases next to `path`, with their side files; none where the folder cannot be read. */
function damagedFiles(path: string): string[] {
  const folder = folderOf(path);
  const prefix = `${fileNameOf(path)}.damaged-`;
  try {
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    return names.filter((name) => name.startsWith(prefix)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}
