/**
 * Replaces a file so that an interruption at any moment (power loss, kill, full disk) leaves the old content or the new
 * one, never a mix and never nothing.
 */

import type { FileHandle } from "node:fs/promises";
import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { removeLeftovers, temporaryPath, tryRemove } from "./leftovers.ts";
import { resolveLinks } from "./links.ts";
import { fileError, osCodeOf } from "./os_error.ts";
import { overwriteFile } from "./overwrite.ts";
import { folderOf } from "./path_parts.ts";
import { openPlainFile } from "./plain_file.ts";
import { syncFolder } from "./sync_folder.ts";
import { writeAll } from "./write_all.ts";

/** How a file is written. */
export interface WriteOptions {
  /**
   * Mode of a file that does not exist yet, whatever the umask is; 0600 when absent. An existing file keeps its own.
   */
  mode?: number;
  log: Log;
}

/**
 * Writes a temporary file next to `path`, syncs it, renames it to `path` and syncs the folder. Follows symbolic links
 * and keeps mode and owner of an existing file. Leftovers of an earlier crash are removed.
 *
 * Where the rename is refused (a single file mounted into a container, a folder that must not be changed) the file is
 * overwritten in place. Until all of a new text is on the disk the file then begins with a line break, so that a reader
 * of JSON notices the interruption, and `readLeftovers()` has the new text. Where the folder accepts no temporary file,
 * and for bytes, an interruption may mix both contents.
 *
 * Throws `no_space` or `io_failed` with the old content in place, also when the existing file must not be written.
 */
export async function writeFileDurably(
  path: string,
  content: string | Uint8Array,
  options: WriteOptions,
): Promise<void> {
  try {
    const target = await resolveLinks(path);
    const old = await statFile(target);
    if (old !== undefined) await assertWritable(target);
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const temporary = temporaryPath(target);
    if (!await replaceFile(target, bytes, { old, mode: options.mode ?? 0o600, temporary })) {
      options.log.debug("Writing a file in place because it cannot be replaced", { path: target });
      await overwriteFile(target, bytes, { isText: typeof content === "string", temporary });
    }
    // Not before: one of them may be the only whole copy.
    await removeLeftovers(target, options.log);
  } catch (error) {
    throw fileError(`Cannot write "${path}"`, error);
  }
}

async function statFile(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) throw new AgentError("io_failed", `Cannot write "${path}": it is not a file`);
    return info;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A rename would also replace a file that is write-protected; the protection counts. */
async function assertWritable(path: string): Promise<void> {
  await using _file = await openPlainFile(path, { isWritable: true });
}

/**
 * False when the file exists and folder or file allow no replacement; everything is then as before, but for the
 * temporary file next to it if the folder accepted one.
 */
async function replaceFile(
  target: string,
  bytes: Uint8Array,
  options: { old: Deno.FileInfo | undefined; mode: number; temporary: string },
): Promise<boolean> {
  const { old, temporary } = options;
  try {
    await writeTemporary(temporary, bytes, options);
    await Deno.rename(temporary, target);
  } catch (error) {
    if (old !== undefined && replacementRefusals.includes(osCodeOf(error) ?? "")) return false;
    await tryRemove(temporary);
    throw error;
  }
  await syncFolder(folderOf(target));
  return true;
}

const replacementRefusals = ["EBUSY", "EXDEV", "EPERM", "EACCES", "EROFS"];

/** Owner and mode are set on what was opened: somebody else may have the right to rename in this folder. */
async function writeTemporary(
  path: string,
  bytes: Uint8Array,
  { old, mode }: { old: Deno.FileInfo | undefined; mode: number },
): Promise<void> {
  const { open } = await import("node:fs/promises");
  await using file = await open(path, "wx", 0o600);
  await writeAll({ write: async (part) => (await file.write(part)).bytesWritten }, bytes);
  await file.sync();
  if (Deno.build.os === "windows") return;
  await keepOwner(file, old);
  await file.chmod((old?.mode ?? mode) & 0o7777);
}

/**
 * Where the agent may not give the new file to the old owner, it owns the file itself; keeping it durable counts more.
 */
async function keepOwner(file: FileHandle, old: Deno.FileInfo | undefined): Promise<void> {
  if (old === undefined || old.uid === null || old.gid === null) return;
  const own = await file.stat();
  if (own.uid !== old.uid || own.gid !== old.gid) await file.chown(old.uid, old.gid).catch(() => {});
}
