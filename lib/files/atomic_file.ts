/**
 * Replaces a file so that a cut at any moment (power, kill, full disk) leaves the old content or the new one, never a mix
 * and never nothing.
 */

import { AgentError, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { fileError, osCodeOf } from "./os_error.ts";
import { processTag } from "./process_tag.ts";

/** How a file is written. */
export interface WriteOptions {
  /** Mode of a file that does not exist yet, whatever the umask says; 0600 when absent. An existing file keeps its own. */
  mode?: number;
  log: Log;
}

/**
 * Writes a temporary file beside `path`, syncs it, renames it to `path` and syncs the folder. Follows symbolic links and
 * keeps mode and owner of an existing file. Where the rename is refused (a single file mounted into a container, a folder
 * that must not be changed) the file is overwritten in place. Until all of a new text is on the disk it begins with a line break then,
 * so that who reads JSON notices the cut, and `readLeftovers()` has the new text. Where the folder takes no temporary file, and
 * for bytes, a cut may mix both contents. Leftovers of an earlier crash are removed.
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
    const temporary = temporaryName(target);
    if (!await replace(target, bytes, { old, mode: options.mode ?? 0o600, temporary })) {
      options.log.debug("Writing a file in place because it cannot be replaced", { path: target });
      await overwrite(target, bytes, { isText: typeof content === "string", temporary });
    }
    // Not before: one of them may be the only whole copy.
    await removeLeftovers(target, options.log);
  } catch (error) {
    throw fileError(`Cannot write "${path}"`, error);
  }
}

/** What cut writes have left beside the file at `path`, newest first; each may be incomplete. Never throws. */
export async function readLeftovers(path: string): Promise<string[]> {
  const found: { text: string; ms: number }[] = [];
  try {
    const target = await resolveLinks(path);
    for (const { file } of await listLeftovers(target)) {
      found.push({ text: await Deno.readTextFile(file), ms: (await Deno.stat(file)).mtime?.getTime() ?? 0 });
    }
  } catch {
    // What cannot be read is no help to whoever asks; what was read so far may be.
  }
  return found.sort((a, b) => b.ms - a.ms).map(({ text }) => text);
}

/** A link may point at a file that does not exist yet; then that file is the one to write. */
async function resolveLinks(path: string): Promise<string> {
  let current = path;
  for (let hops = 0; hops < 40; hops++) {
    try {
      return await Deno.realPath(current);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const link = await readLinkIfThere(current);
    if (link === undefined) return current;
    current = link.startsWith("/") ? link : `${folderOf(current)}/${link}`;
  }
  throw new AgentError("io_failed", `Cannot write "${path}": too many symbolic links`);
}

async function readLinkIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(path);
  } catch {
    // Nothing is there, or it is no link: the path itself is the answer, and writing to it tells what is wrong.
    return undefined;
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

/** A rename would also replace a file that is protected against writing; the protection counts. */
async function assertWritable(path: string): Promise<void> {
  const file = await Deno.open(path, { write: true });
  file.close();
}

/**
 * Gives false when the folder or the file allows no replacement but the file is there, with everything as before, and the
 * temporary file beside it if the folder took one.
 */
async function replace(
  target: string,
  bytes: Uint8Array,
  options: { old: Deno.FileInfo | undefined; mode: number; temporary: string },
): Promise<boolean> {
  const { old, temporary } = options;
  try {
    await writeNew(temporary, bytes);
    await setOwnerAndMode(temporary, options);
    await Deno.rename(temporary, target);
  } catch (error) {
    if (old !== undefined && refusals.includes(osCodeOf(error) ?? "")) return false;
    await removeIfThere(temporary);
    throw error;
  }
  await syncFolder(folderOf(target));
  return true;
}

const refusals = ["EBUSY", "EXDEV", "EPERM", "EACCES", "EROFS"];

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  await writeAll(file, bytes);
  await file.sync();
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
}

async function setOwnerAndMode(
  path: string,
  options: { old: Deno.FileInfo | undefined; mode: number },
): Promise<void> {
  if (Deno.build.os === "windows") return;
  const { old } = options;
  if (old !== undefined) {
    const own = await Deno.stat(path);
    // A stranger's file becomes ours when we may not give ours away; keeping it durable counts more.
    if (own.uid !== old.uid || own.gid !== old.gid) await Deno.chown(path, old.uid, old.gid).catch(() => {});
  }
  await Deno.chmod(path, (old?.mode ?? options.mode) & 0o7777);
}

/**
 * The file gets the longer of both lengths first, which fails on a full disk while the old content is still whole; then all of the new
 * content; then its own length. For text the rest is line breaks, so that a cut on the way leaves no half of the other content; and
 * when a whole copy lies beside it, its first character is written before and after everything else. Disks write a file's blocks in any
 * order, and a mixture of two texts of the same shape would look like a third one.
 */
async function overwrite(
  path: string,
  bytes: Uint8Array,
  { isText, temporary }: { isText: boolean; temporary: string },
): Promise<void> {
  using file = await Deno.open(path, { write: true });
  const { size } = await file.stat();
  if (isText && size < bytes.length) await grow(file, { size, byBytes: bytes.length - size, temporary });
  const filled = new Uint8Array(isText ? Math.max(size, bytes.length) : bytes.length).fill(lineBreak);
  filled.set(bytes);
  const first = isText && await statFile(temporary) !== undefined ? 1 : 0;
  if (first > 0) await writeAt(file, 0, new Uint8Array([lineBreak]));
  await writeAt(file, first, filled.subarray(first));
  if (first > 0) await writeAt(file, 0, filled.subarray(0, first));
  await file.truncate(bytes.length);
  await file.sync();
  // When a disk fails before, it is the only whole copy.
  await removeIfThere(temporary);
}

async function writeAt(file: Deno.FsFile, at: number, bytes: Uint8Array): Promise<void> {
  await file.seek(at, Deno.SeekMode.Start);
  await writeAll(file, bytes);
  await file.sync();
}

const lineBreak = 0x0a;

/** The old content is still whole when this fails, and the copy of the new one is no longer needed. */
async function grow(
  file: Deno.FsFile,
  options: { size: number; byBytes: number; temporary: string },
): Promise<void> {
  try {
    await file.seek(options.size, Deno.SeekMode.Start);
    await writeAll(file, new Uint8Array(options.byBytes).fill(lineBreak));
  } catch (error) {
    await file.truncate(options.size);
    await removeIfThere(options.temporary);
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  // A folder cannot be opened as a file there.
  if (Deno.build.os === "windows") return;
  using folder = await Deno.open(path, { read: true });
  await folder.sync();
}

function temporaryName(target: string): string {
  return `${folderOf(target)}/${temporaryPrefix(target)}${processTag()}-${crypto.randomUUID().slice(0, 8)}.tmp`;
}

function temporaryPrefix(target: string): string {
  // Cut so that the whole name stays below the limit of file systems.
  return `.${nameOf(target).slice(0, 40)}.`;
}

async function removeLeftovers(target: string, log: Log): Promise<void> {
  try {
    for (const { file, tag } of await listLeftovers(target)) {
      if (tag === processTag()) continue;
      await removeIfThere(file);
      log.info("Removed what an earlier crash left of a file being written", { path: file });
    }
  } catch (error) {
    log.debug("Cannot look for leftovers of an earlier crash", { path: folderOf(target), error: textOf(error) });
  }
}

async function listLeftovers(target: string): Promise<{ file: string; tag: string }[]> {
  const folder = folderOf(target);
  const prefix = temporaryPrefix(target);
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  return names.filter((name) => name.startsWith(prefix)).flatMap((name) => {
    const tag = /^(\d+-\d+)-[0-9a-f]{8}\.tmp$/.exec(name.slice(prefix.length))?.[1];
    return tag === undefined ? [] : [{ file: `${folder}/${name}`, tag }];
  });
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch {
    // Gone already, or in a folder that allows nothing: the next write of this file tries again.
  }
}

function folderOf(path: string): string {
  const end = lastSeparator(path);
  return end < 0 ? "." : end === 0 ? "/" : path.slice(0, end);
}

function nameOf(path: string): string {
  return path.slice(lastSeparator(path) + 1);
}

function lastSeparator(path: string): number {
  return Deno.build.os === "windows" ? Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) : path.lastIndexOf("/");
}
