/** Uploaded archives: checked before anything is done with them, and unpacked for the builds of compose. */

import { AgentError } from "../../base/errors.ts";
import { HeldFolder } from "../../files/held_folder.ts";
import { fileError } from "../../files/os_error.ts";
import { fileNameOf, folderOf } from "../../files/path_parts.ts";
import { parseTemporaryName, temporaryName } from "../../files/temporary_name.ts";
import { writeAll } from "../../files/write_all.ts";
import { removeTree } from "../../host/remove_tree.ts";
import { type ArchiveEntry, archiveRefusal, openArchive } from "./archive_entries.ts";

/** What a check has found. */
export interface ArchiveFacts {
  /** The files of the root folder, with their sizes in bytes. */
  rootFiles: ReadonlyMap<string, number>;
  unpackedBytes: number;
}

/** The modes that unpacked files and folders have: what an archive says of them depends on who made it. */
const unpackedMode = 0o755;

const unpackedPrefix = ".unpacked-";

const unpackedRemovalMs = 600_000;

/**
 * Reads an archive once, and writes nothing. `freeBytes`: what it may need on the disk, undefined when unknown. Throws
 * as `openArchive()`, and `archive_refused` for one that needs more.
 */
export async function checkArchive(
  path: string,
  { freeBytes, signal }: { freeBytes: number | undefined; signal: AbortSignal },
): Promise<ArchiveFacts> {
  const rootFiles = new Map<string, number>();
  let unpackedBytes = 0;
  const { entries } = await openArchive(path, signal);
  for await (const { parts, isFolder, sizeBytes, shownName } of entries) {
    const [name = ""] = parts;
    if (parts.length === 1 && !isFolder) rootFiles.set(name, sizeBytes);
    unpackedBytes += sizeBytes;
    if (freeBytes !== undefined && unpackedBytes > freeBytes) {
      throw archiveRefusal(
        path,
        `with entry ${shownName} it needs more than the ${freeBytes} bytes that are free on the disk`,
      );
    }
  }
  return { rootFiles, unpackedBytes };
}

/**
 * Unpacks a checked archive into a new folder, which then takes the place of `folder`, in the same folder as the
 * archive. Files and folders have mode 0755. Throws as `openArchive()`, and `io_failed`, `no_space`; the old folder is
 * there then.
 */
export async function extractArchive(path: string, folder: string, signal: AbortSignal): Promise<void> {
  await using above = await HeldFolder.open(folderOf(path));
  if (above === undefined) throw new AgentError("archive_missing", `The folder "${folderOf(path)}" is missing`);
  await removeAbandoned(above, signal);
  const [fresh, old] = [temporaryName(unpackedPrefix), temporaryName(unpackedPrefix)];
  try {
    await makeUnpackedFolder(above.pathForChild(fresh));
    await unpack(path, above.pathForChild(fresh), signal);
    await exchange(above, { fresh, old, name: fileNameOf(folder) });
  } catch (error) {
    throw fileError(`Cannot unpack the upload "${fileNameOf(path)}"`, error);
  } finally {
    // It must go also after an abort.
    for (const name of [fresh, old]) await removeUnpacked(above, name, new AbortController().signal);
  }
}

async function unpack(path: string, root: string, signal: AbortSignal): Promise<void> {
  const { entries } = await openArchive(path, signal);
  const made = new Set<string>();
  for await (const entry of entries) {
    const folders = entry.isFolder ? entry.parts : entry.parts.slice(0, -1);
    try {
      await makeFolders(root, folders, made);
      if (!entry.isFolder) await writeEntry(`${root}/${entry.parts.join("/")}`, entry);
    } catch (error) {
      // Two entries of one name, one of which is a folder.
      const isConflict = ["AlreadyExists", "NotADirectory", "IsADirectory"].includes(
        error instanceof Error ? error.name : "",
      );
      throw isConflict
        ? archiveRefusal(path, `entry ${entry.shownName} is in the way of another one`, { cause: error })
        : error;
    }
  }
}

async function makeFolders(root: string, parts: readonly string[], made: Set<string>): Promise<void> {
  let path = root;
  for (const part of parts) {
    path = `${path}/${part}`;
    if (made.has(path)) continue;
    await makeUnpackedFolder(path);
    made.add(path);
  }
}

async function makeUnpackedFolder(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { mode: unpackedMode });
    if (Deno.build.os !== "windows") await Deno.chmod(path, unpackedMode);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists) || !(await Deno.lstat(path)).isDirectory) throw error;
  }
}

/** Nobody else knows the folder yet, so there is nothing to follow. */
async function writeEntry(path: string, { body }: ArchiveEntry): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: unpackedMode });
  for await (const chunk of body) await writeAll(file, chunk);
  if (Deno.build.os !== "windows") await Deno.chmod(path, unpackedMode);
}

async function exchange(above: HeldFolder, names: { fresh: string; old: string; name: string }): Promise<void> {
  const { fresh, old, name } = names;
  // A link is moved, not what it leads to.
  if (await above.look(name) !== undefined) await above.move(name, { folder: above, name: old });
  await above.move(fresh, { folder: above, name });
}

/** What earlier processes have left. */
async function removeAbandoned(above: HeldFolder, signal: AbortSignal): Promise<void> {
  for (const name of await above.list() ?? []) {
    if (parseTemporaryName(name, unpackedPrefix)?.isOwn === false) await removeUnpacked(above, name, signal);
  }
}

async function removeUnpacked(above: HeldFolder, name: string, signal: AbortSignal): Promise<void> {
  const options = { signal, timeoutMs: unpackedRemovalMs, shownPath: above.pathOf(name) };
  await removeTree(above.pathForChild(name), options);
}
