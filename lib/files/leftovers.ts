/** Temporary files next to a file that is written durably, and what interrupted writes have left of them. */

import { textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { HeldFolder } from "./held_folder.ts";
import { resolveLinks } from "./links.ts";
import { fileNameOf, folderOf } from "./path_parts.ts";
import { parseTemporaryName, temporaryName } from "./temporary_name.ts";

/** Files that are written durably are smaller. */
const leftoverLimitBytes = 4 * 1024 * 1024;

/** A path for a temporary file next to `target`. */
export function temporaryPath(target: string): string {
  return `${folderOf(target)}/${temporaryName(prefixOf(target))}`;
}

/** What interrupted writes have left next to the file at `path`, newest first; each may be incomplete. Never throws. */
export async function readLeftovers(path: string): Promise<string[]> {
  const found: { text: string; ms: number }[] = [];
  try {
    const target = await resolveLinks(path);
    await using folder = await HeldFolder.open(folderOf(target));
    for (const { name } of await listLeftovers(target, folder)) {
      const read = await folder?.readFile(name, { limitBytes: leftoverLimitBytes });
      if (read !== undefined) found.push({ text: new TextDecoder().decode(read.bytes), ms: read.changedMs });
    }
  } catch {
    // What cannot be read is no help to the caller; what was read so far may be.
  }
  return found.sort((a, b) => b.ms - a.ms).map(({ text }) => text);
}

/** Removes what earlier processes have left next to `target`. Never throws. */
export async function removeLeftovers(target: string, log: Log): Promise<void> {
  try {
    await using folder = await HeldFolder.open(folderOf(target));
    for (const { name, isOwn } of await listLeftovers(target, folder)) {
      const file = `${folderOf(target)}/${name}`;
      if (isOwn || (await folder?.look(name))?.isDirectory) continue;
      await tryRemove(file);
      log.info("Removed what an earlier crash left of a file being written", { path: file });
    }
  } catch (error) {
    log.debug("Cannot look for leftovers of an earlier crash", { path: folderOf(target), error: textOf(error) });
  }
}

/** Removes a temporary file if it is there. Never throws. */
export async function tryRemove(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // Gone already, or in a folder that allows nothing: the next write of this file tries again.
  }
}

async function listLeftovers(
  target: string,
  folder: HeldFolder | undefined,
): Promise<{ name: string; isOwn: boolean }[]> {
  return (await folder?.list() ?? []).flatMap((name) => {
    const parsed = parseTemporaryName(name, prefixOf(target));
    return parsed === undefined ? [] : [{ name, ...parsed }];
  });
}

/** Shortened so that the whole name stays below the limit of file systems. */
function prefixOf(target: string): string {
  return `.${fileNameOf(target).slice(0, 40)}.`;
}
