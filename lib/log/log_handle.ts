/** The open file of a log, and the calls to the file system that it needs. */

import { lineFeed } from "../base/bytes.ts";
import { AgentError } from "../base/errors.ts";
import { makeFolderSync } from "../files/make_folder.ts";
import { folderOf } from "../files/path_parts.ts";

/** A log file that is open. */
export interface LogHandle {
  file: Deno.FsFile;
  sizeBytes: number;
  /** False for a device such as `/dev/null`, which cannot be rotated. */
  isRegular: boolean;
  device: number;
  inode: number | null;
}

const newFileMode = 0o600;
const folderMode = 0o755;

/** Creates the folders above `path`. */
export function createLogFolder(path: string): void {
  makeFolderSync(folderOf(path), { mode: folderMode });
}

/** Opens a log file for appending, and creates it if it is missing. Throws when it is not a file. */
export function openHandle(path: string): LogHandle {
  const existing = statIfPresent(path);
  // Opening a named pipe would wait for its reader.
  if (existing !== undefined && !existing.isFile && !existing.isCharDevice) {
    throw new AgentError("io_failed", "it is not a file");
  }
  const file = Deno.openSync(path, { append: true, create: true, mode: newFileMode });
  // The umask may have taken rights from it.
  if (existing === undefined && Deno.build.os !== "windows") Deno.chmodSync(path, newFileMode);
  const info = file.statSync();
  const handle: LogHandle = {
    file,
    sizeBytes: info.size,
    isRegular: info.isFile,
    device: info.dev,
    inode: info.ino,
  };
  if (handle.isRegular && handle.sizeBytes > 0 && !endsWithLineFeed(path, handle.sizeBytes)) {
    // Power loss has left half a line, and the next line must not continue it.
    handle.sizeBytes += file.writeSync(new Uint8Array([lineFeed]));
  }
  return handle;
}

/** Appends `bytes`. When the disk is full, half a line is removed again. Throws what the file system throws. */
export function appendBytes(handle: LogHandle, bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length;) done += handle.file.writeSync(bytes.subarray(done));
  } catch (error) {
    truncateToWholeLine(handle);
    throw error;
  }
  handle.sizeBytes += bytes.length;
}

/** Sets mode and, if possible, owner of the file at `path` to those of another. */
export function copyRights(path: string, from: Deno.FileInfo): void {
  if (Deno.build.os === "windows" || from.mode === null) return;
  Deno.chmodSync(path, from.mode & 0o7777);
  try {
    Deno.chownSync(path, from.uid, from.gid);
  } catch {
    // Only root may change the owner of a file.
  }
}

/** Checks that `path` is still the open file. Undefined when that cannot be found out. */
export function lookUp(path: string, handle: LogHandle): "gone" | { sizeBytes: number } | undefined {
  try {
    const info = statIfPresent(path);
    // On Windows a file may have no inode number.
    const isSame = info !== undefined && info.dev === handle.device &&
      (info.ino === handle.inode || info.ino === null || handle.inode === null);
    return isSame ? { sizeBytes: info.size } : "gone";
  } catch {
    // While the open file takes lines, it does not matter why the path cannot be looked up.
    return undefined;
  }
}

function endsWithLineFeed(path: string, sizeBytes: number): boolean {
  try {
    using file = Deno.openSync(path, { read: true });
    file.seekSync(sizeBytes - 1, Deno.SeekMode.Start);
    const last = new Uint8Array(1);
    return file.readSync(last) === 1 && last[0] === lineFeed;
  } catch {
    // The file may be writable but not readable; an extra empty line does no harm.
    return false;
  }
}

function truncateToWholeLine({ file, sizeBytes, isRegular }: LogHandle): void {
  try {
    if (isRegular) file.truncateSync(sizeBytes);
  } catch {
    // Then the half line is ended when the file is opened again.
  }
}

function statIfPresent(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
