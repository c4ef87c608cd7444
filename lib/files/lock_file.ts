/** Locks a file with flock(2), in a folder that other users of the machine may write to. */

import type { FileHandle } from "node:fs/promises";
import { osCodeOf } from "./os_error.ts";

/** A lock that is held until it is disposed or the process ends. */
export interface FileLock extends Disposable {
  readonly path: string;
}

/** How an attempt to lock a file ended. */
export type LockOutcome =
  | { kind: "locked"; lock: FileLock }
  /** `holderUid`: the user whose process has it; undefined when the system does not show it. */
  | { kind: "held"; holderUid: number | undefined }
  /** Something else has the name: a folder, a link, a pipe, or a file that is replaced again and again. */
  | { kind: "unusable"; reason: string };

type Unusable = "it is a link" | "it is not a file";

/** Somebody who replaces the file all the time is not worth more. */
const openLimit = 100;

/**
 * Locks the file at `path` without waiting, and creates it with `mode` if it is missing. It is opened once, without
 * following a link and without waiting for a pipe; what counts is what was opened. Throws the system's error when it
 * cannot be created or opened.
 */
export async function lockFile(path: string, mode: number): Promise<LockOutcome> {
  for (let attempt = 0; attempt < openLimit; attempt += 1) {
    const opened = await openOnce(path, mode);
    if (opened === "gone") continue;
    if (typeof opened === "string") return { kind: "unusable", reason: opened };
    const info = await opened.stat();
    if (!await opened.tryLock(true)) {
      opened.close();
      return { kind: "held", holderUid: await holderUidOf(info.ino) };
    }
    if (await isAt(path, info)) return { kind: "locked", lock: { path, [Symbol.dispose]: () => opened.close() } };
    // The file was replaced between opening and locking (a temporary folder being cleaned): this lock excludes nobody.
    opened.close();
  }
  return { kind: "unusable", reason: "the file is replaced again and again" };
}

/**
 * First without O_CREAT: the kernel refuses it on a stranger's file in a shared folder even to root. For reading only,
 * because the file may belong to another user.
 */
async function openOnce(path: string, mode: number): Promise<Deno.FsFile | "gone" | Unusable> {
  // Its temporary folders are not shared, and it has no such flags.
  if (Deno.build.os === "windows") return await Deno.open(path, { read: true, write: true, create: true });
  const { constants, open } = await import("node:fs/promises");
  const careful = constants.O_NOFOLLOW | constants.O_NONBLOCK;
  try {
    return await take(await open(path, constants.O_RDONLY | careful));
  } catch (error) {
    const code = osCodeOf(error);
    if (code === "ELOOP" || code === "EMLINK") return "it is a link";
    if (code !== "ENOENT") throw error;
  }
  try {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | careful, mode);
    // The umask may have taken rights from it.
    await file.chmod(mode);
    await file.sync();
    return await take(file);
  } catch (error) {
    if (osCodeOf(error) === "EEXIST") return "gone";
    throw error;
  }
}

/** The same file for the runtime's own interface, which can lock. */
async function take(file: FileHandle): Promise<Deno.FsFile | Unusable> {
  try {
    // To open a pipe a second time would wait for its other end.
    if (!(await file.stat()).isFile()) return "it is not a file";
    return await Deno.open(Deno.build.os === "linux" ? `/proc/self/fd/${file.fd}` : `/dev/fd/${file.fd}`);
  } finally {
    await file.close();
  }
}

async function isAt(path: string, opened: Deno.FileInfo): Promise<boolean> {
  try {
    const there = await Deno.lstat(path);
    return there.dev === opened.dev && there.ino === opened.ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Read from the kernel's list of locks, Linux only. */
async function holderUidOf(inode: number | null): Promise<number | undefined> {
  try {
    const pattern = new RegExp(`^\\d+: FLOCK +\\w+ +WRITE (\\d+) [0-9a-f]+:[0-9a-f]+:${inode} `, "m");
    const [, pid] = pattern.exec(await Deno.readTextFile("/proc/locks")) ?? [];
    return pid === undefined ? undefined : (await Deno.stat(`/proc/${pid}`)).uid ?? undefined;
  } catch {
    // Not Linux, or the holder has ended since: the system does not show it.
    return undefined;
  }
}
