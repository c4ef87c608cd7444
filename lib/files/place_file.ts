/** Puts a finished file in its place at once, so that nobody ever sees a part of it there. */

import { temporaryPath, tryRemove } from "./leftovers.ts";
import { osCodeOf, withFileError } from "./os_error.ts";
import { folderOf } from "./path_parts.ts";
import { syncFolder } from "./sync_folder.ts";

/**
 * Gives the file at `from` its mode, syncs it, renames it to `to` and syncs that folder; from another disk it is copied
 * first. Throws `io_failed` or `no_space`; at `to` there is then what was there before.
 */
export async function placeFile(from: string, { to, mode }: { to: string; mode: number }): Promise<void> {
  await withFileError(`Cannot put a file in the place "${to}"`, async () => {
    await finish(from, mode);
    try {
      await Deno.rename(from, to);
    } catch (error) {
      if (osCodeOf(error) !== "EXDEV") throw error;
      await copyOver(from, { to, mode });
    }
    await syncFolder(folderOf(to));
  });
}

async function copyOver(from: string, { to, mode }: { to: string; mode: number }): Promise<void> {
  const temporary = temporaryPath(to);
  try {
    await Deno.copyFile(from, temporary);
    await finish(temporary, mode);
    await Deno.rename(temporary, to);
  } catch (error) {
    await tryRemove(temporary);
    throw error;
  }
  await Deno.remove(from);
}

async function finish(path: string, mode: number): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, mode);
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
}
