/** The backups of a rotated log file: their names, order and number. */

/** How many backups are kept. */
export const backupLimit = 2;

/** A backup, and the time in its name. */
export interface Backup {
  path: string;
  timeMs: number;
}

/** The path of a backup made at `date`: `reagent-2026-08-04T01-02-03.456.log` next to `reagent.log`. */
export function backupPath(path: string, date: Date): string {
  const { folder, stem, extension } = logPathParts(path);
  return `${folder}${stem}-${date.toISOString().slice(0, 23).replaceAll(":", "-")}${extension}`;
}

/** The backups of `path`, oldest first. Throws when the folder cannot be read. */
export function listBackups(path: string): Backup[] {
  const { folder, stem, extension } = logPathParts(path);
  const backups: Backup[] = [];
  for (const { name } of Deno.readDirSync(folder === "" ? "." : folder)) {
    if (!name.startsWith(`${stem}-`) || !name.endsWith(extension)) continue;
    const timeMs = stampTime(name.slice(stem.length + 1, name.length - extension.length));
    if (timeMs !== undefined) backups.push({ path: `${folder}${name}`, timeMs });
  }
  return backups.sort((a, b) => a.timeMs - b.timeMs);
}

/**
 * The path of the next backup. Its time is later than those of `backups`, whatever the clock shows, so that names sort
 * like their lines and the newest lines are never the ones that are deleted.
 */
export function nextBackupPath(path: string, options: { backups: readonly Backup[]; date: Date }): string {
  const newestMs = options.backups.at(-1)?.timeMs ?? -Infinity;
  return backupPath(path, new Date(Math.max(options.date.getTime(), newestMs + 1)));
}

/** Deletes all but the newest two. Never throws; a failure is tried again after the next rotation. */
export function deleteOldBackups(path: string): void {
  try {
    for (const old of listBackups(path).slice(0, -backupLimit)) Deno.removeSync(old.path);
  } catch {
    // Too many backups are no reason to lose lines.
  }
}

/** The folder of a log file with its slash, and the two parts of its name around which backups are named. */
export function logPathParts(path: string): { folder: string; stem: string; extension: string } {
  const nameStart = Math.max(path.lastIndexOf("/"), Deno.build.os === "windows" ? path.lastIndexOf("\\") : -1) + 1;
  const name = path.slice(nameStart);
  const dot = name.lastIndexOf(".");
  const stem = dot < 0 ? name : name.slice(0, dot);
  return { folder: path.slice(0, nameStart), stem, extension: name.slice(stem.length) };
}

function stampTime(stamp: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d)-(\d\d)-(\d\d\.\d{3})$/.exec(stamp);
  if (match === null) return undefined;
  const timeMs = Date.parse(`${match[1]}:${match[2]}:${match[3]}Z`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
