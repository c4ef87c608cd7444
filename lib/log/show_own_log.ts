/** Shows the agent's own log to people: its files one after the other, and what is written meanwhile. */

import { isDict, parseJson } from "../base/json.ts";
import { TextLines } from "../base/lines.ts";
import { parseRfc3339 } from "../base/rfc3339.ts";
import { levels } from "../base/log.ts";
import { escapeForCell } from "../base/quote.ts";
import { findTail } from "./find_tail.ts";
import { consoleLine } from "./format.ts";
import { rankOf } from "./log_record.ts";
import { listBackups } from "./rotation.ts";

/** What is shown. */
export interface ShownLog {
  /** Lines from the end; undefined for all. They are counted before `sinceMs` is looked at. */
  tail: number | undefined;
  /** Milliseconds since 1970. */
  sinceMs: number | undefined;
  /** Goes on until `signal` is aborted. */
  isFollowing: boolean;
  isColored: boolean;
}

const pieceReadBytes = 64 * 1024;
const logPollMs = 300;

/**
 * The lines of the log at `path` as the pretty log has them, oldest first, some at a time. A line that is no record is
 * shown as it is, after its predecessor. Throws what the file system throws; without a file there are no lines.
 */
export async function* showOwnLog(path: string, shown: ShownLog, signal: AbortSignal): AsyncGenerator<string[]> {
  const filter = new Filter(shown);
  const { backups, active } = openLogFiles(path);
  using stack = new DisposableStack();
  for (const file of [...backups, ...active === undefined ? [] : [active]]) stack.use(file);
  const files = active === undefined ? backups : [...backups, active];
  const start = await seekTail(files, shown.tail);
  for (const file of files.slice(start)) yield* readOn(file, { filter, isLast: !shown.isFollowing || file !== active });
  if (shown.isFollowing) yield* follow(path, { active, filter }, signal);
}

/** The file in use is opened first: if it is rotated at this moment, no line is lost. */
function openLogFiles(path: string): { backups: Deno.FsFile[]; active: Deno.FsFile | undefined } {
  const active = openIfThere(path);
  const own = active?.statSync();
  const backups: Deno.FsFile[] = [];
  for (const { path: backup } of listBackupsIfThere(path)) {
    const file = openIfThere(backup);
    const info = file?.statSync();
    const isTwice = own !== undefined && info?.dev === own.dev && info.ino === own.ino;
    if (file !== undefined && isTwice) file.close();
    else if (file !== undefined) backups.push(file);
  }
  return { backups, active };
}

/** Returns the index of the first file that is needed; all files stand where their first line begins. */
async function seekTail(files: readonly Deno.FsFile[], tail: number | undefined): Promise<number> {
  if (tail === undefined) return 0;
  let left = tail;
  for (let index = files.length - 1; index >= 0; index -= 1) {
    const file = files[index];
    if (file === undefined) break;
    const { offset, lines } = await findTail(file, left);
    await file.seek(offset, Deno.SeekMode.Start);
    left -= lines;
    if (left <= 0) return index;
  }
  return 0;
}

/** Reads what there is. `isLast`: what has no line end yet is a line, too. */
async function* readOn(
  file: Deno.FsFile,
  { filter, isLast }: { filter: Filter; isLast: boolean },
): AsyncGenerator<string[]> {
  const buffer = new Uint8Array(pieceReadBytes);
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    const lines = filter.take(buffer.subarray(0, count));
    if (lines.length > 0) yield lines;
  }
  const rest = isLast ? filter.end() : [];
  if (rest.length > 0) yield rest;
}

/** Another file at the path means that the log was rotated: what the old one has got meanwhile is read first. */
async function* follow(
  path: string,
  { active, filter }: { active: Deno.FsFile | undefined; filter: Filter },
  signal: AbortSignal,
): AsyncGenerator<string[]> {
  let file = active;
  using stack = new DisposableStack();
  while (!signal.aborted) {
    const next = openIfThere(path);
    const isSame = next !== undefined && file !== undefined && isSameFile(next, file);
    if (file !== undefined) yield* readOn(file, { filter, isLast: next !== undefined && !isSame });
    if (isSame || next === undefined) next?.close();
    else file = stack.use(next);
    if (isSame || next === undefined) await waitForMore(signal);
  }
}

function isSameFile(one: Deno.FsFile, other: Deno.FsFile): boolean {
  const [a, b] = [one.statSync(), other.statSync()];
  return a.dev === b.dev && a.ino === b.ino;
}

async function waitForMore(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, logPollMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    }, { once: true });
  });
}

function openIfThere(path: string): Deno.FsFile | undefined {
  try {
    // Opening a named pipe would wait for its writer.
    return Deno.statSync(path).isFile ? Deno.openSync(path) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function listBackupsIfThere(path: string): { path: string }[] {
  try {
    return listBackups(path);
  } catch {
    // The file in use is worth an answer.
    return [];
  }
}

/** Leaves out what is too old. */
class Filter {
  readonly #shown: ShownLog;
  readonly #lines = new TextLines();
  #isWanted: boolean;

  constructor(shown: ShownLog) {
    this.#shown = shown;
    this.#isWanted = shown.sinceMs === undefined;
  }

  take(bytes: Uint8Array): string[] {
    const wanted: string[] = [];
    this.#lines.push(bytes, (line) => this.#add(line, wanted));
    return wanted;
  }

  end(): string[] {
    const wanted: string[] = [];
    this.#lines.flush((line) => this.#add(line, wanted));
    return wanted;
  }

  #add(line: string, wanted: string[]): void {
    const record = line.startsWith("{") ? parseJson(line) : undefined;
    const { level, time, message, caller, ...fields } = isDict(record) ? record : {};
    if (typeof level !== "string" || typeof time !== "string" || typeof message !== "string") {
      if (this.#isWanted) wanted.push(escapeForCell(line));
      return;
    }
    const timeMs = parseRfc3339(time) ?? 0;
    this.#isWanted = this.#shown.sinceMs === undefined || timeMs >= this.#shown.sinceMs;
    if (!this.#isWanted) return;
    const place = typeof caller === "string" ? caller : undefined;
    const entry = { level: levels[rankOf(level)] ?? "info", message, fields, caller: place, date: new Date(timeMs) };
    wanted.push(consoleLine(entry, { isColored: this.#shown.isColored }).trimEnd());
  }
}
