/** Puts a file, a copy, a text or a link in its place at once, so that nobody ever sees a part of it there. */

import { silentLog } from "../base/log.ts";
import { removeLeftovers, temporaryPath, tryRemove } from "./leftovers.ts";
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

/**
 * Places what `write` writes to a temporary path next to `to`, and removes what earlier processes have left of theirs:
 * a copy that was interrupted may be as large as the agent. Throws what `write` throws as `io_failed` or `no_space`; at
 * `to` there is then what was there before.
 */
export async function placeWritten(
  { to, mode }: { to: string; mode: number },
  write: (temporary: string) => Promise<void>,
): Promise<void> {
  await removeLeftovers(to, silentLog);
  const temporary = temporaryPath(to);
  await withFileError(`Cannot put a file in the place "${to}"`, async () => {
    try {
      await write(temporary);
      await placeFile(temporary, { to, mode });
    } catch (error) {
      await tryRemove(temporary);
      throw error;
    }
  });
}

/** Places a copy of a file, like `placeWritten()`. */
export async function placeCopy(from: string, options: { to: string; mode: number }): Promise<void> {
  await placeWritten(options, (temporary) => Deno.copyFile(from, temporary));
}

/** Places a file with this text, like `placeWritten()`. A link at `to` is replaced, and not what it leads to. */
export async function placeTextFile(text: string, options: { to: string; mode: number }): Promise<void> {
  await placeWritten(options, (temporary) => Deno.writeTextFile(temporary, text, { createNew: true, mode: 0o600 }));
}

/**
 * Places a symbolic link, like `placeWritten()`: another link, or a file, is replaced by it at once. Whether there is
 * something at `target` is not looked at.
 */
export async function placeLink(target: string, { at }: { at: string }): Promise<void> {
  await removeLeftovers(at, silentLog);
  const temporary = temporaryPath(at);
  await withFileError(`Cannot link "${at}" to "${target}"`, async () => {
    try {
      await Deno.symlink(target, temporary);
      await Deno.rename(temporary, at);
    } catch (error) {
      await tryRemove(temporary);
      throw error;
    }
    await syncFolder(folderOf(at));
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
