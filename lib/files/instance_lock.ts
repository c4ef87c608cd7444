/**
 * One agent per machine: each removes containers it does not know, so two would remove each other's apps. The lock is
 * flock(2) on a file of its own, so it ends with the process, however that ends, and excludes older agents too.
 */

import { AgentError } from "../base/errors.ts";
import { fileError } from "./os_error.ts";

/** A lock that is held until it is disposed or the process ends. */
export interface InstanceLock extends Disposable {
  readonly path: string;
}

/**
 * Acquires the lock at `path`, without waiting. The file is made readable for everybody, so that every user can lock
 * it, and is never removed. Throws `lock_held` when another process holds it, `io_failed` when it cannot be opened.
 */
export async function acquireInstanceLock(path: string): Promise<InstanceLock> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const file = await openLockFile(path);
    if (file === undefined) continue;
    try {
      if (!await file.tryLock(true)) throw heldError(path);
      if (await isFileAt(path, file)) return { path, [Symbol.dispose]: () => file.close() };
    } catch (error) {
      file.close();
      throw fileError(`Cannot lock "${path}"`, error);
    }
    // The file was replaced between opening and locking (a temporary folder being cleaned): this lock excludes nobody.
    file.close();
  }
  throw new AgentError("io_failed", `Cannot lock "${path}": the file is replaced again and again`);
}

function heldError(path: string): AgentError {
  const hint = Deno.build.os === "windows" ? "reagent service stop" : "systemctl stop reagent";
  const text = `Another instance of the agent is already running on this machine (lock "${path}")`;
  return new AgentError("lock_held", `${text}; stop it first, for example with "${hint}"`);
}

/**
 * Opens for reading only, because the file may belong to another user; and does not ask to create a file that exists,
 * because the kernel refuses that for another user's file in a shared folder, even to root. Undefined when the file was
 * removed in between.
 */
async function openLockFile(path: string): Promise<Deno.FsFile | undefined> {
  try {
    await assertPlainFile(path);
    await createLockFile(path);
    return await openIfThere(path);
  } catch (error) {
    throw fileError(`Cannot open the lock file "${path}"`, error);
  }
}

/** Opening a pipe would wait forever. */
async function assertPlainFile(path: string): Promise<void> {
  const info = await lockFileInfo(path);
  if (info === undefined || info.isFile) return;
  throw new AgentError("io_failed", `Cannot open the lock file "${path}": it is not a file`);
}

async function createLockFile(path: string): Promise<void> {
  if (await lockFileInfo(path) !== undefined) return;
  try {
    using file = await Deno.open(path, { write: true, createNew: true, mode: 0o644 });
    await file.sync();
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    if ((await Deno.lstat(path)).isSymlink) {
      throw new AgentError("io_failed", `Cannot open the lock file "${path}": it is a link to nothing`);
    }
    // Another process was faster; its file is as good.
    return;
  }
  // The umask may have removed the read permission of other users.
  if (Deno.build.os !== "windows") await Deno.chmod(path, 0o644);
}

async function openIfThere(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return await Deno.open(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function isFileAt(path: string, file: Deno.FsFile): Promise<boolean> {
  const [locked, there] = [await file.stat(), await lockFileInfo(path)];
  return there !== undefined && there.dev === locked.dev && there.ino === locked.ino;
}

async function lockFileInfo(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
