/**
 * A folder that is held open. Whoever can write in it or next to it may swap names for links, pipes and device files at
 * any moment; what is done through a held folder happens in that folder all the same, or not at all.
 *
 * Linux only: elsewhere names are looked at before they are used, which somebody who is quick enough can get around.
 */

import type { FileHandle } from "node:fs/promises";
import { AgentError } from "../base/errors.ts";
import { osCodeOf } from "./os_error.ts";
import { temporaryName } from "./temporary_name.ts";
import { writeAll } from "./write_all.ts";

/** What a name in a held folder stands for. */
export interface EntryInfo {
  isFile: boolean;
  isDirectory: boolean;
  isLink: boolean;
  /** The lower 12 bits; undefined where there are no modes. */
  mode: number | undefined;
  /** Undefined where files have no owner. */
  uid: number | undefined;
  sizeBytes: number;
  /** When it was last changed; undefined where that is not kept. */
  changedAt: Date | undefined;
}

/** What a file has held. */
export interface FileContent {
  bytes: Uint8Array;
  /** The lower 12 bits; undefined where there are no modes. */
  mode: number | undefined;
  /** When it was last written, in milliseconds since 1970. */
  changedMs: number;
}

/** How `ensureFolder()` creates a folder. */
export interface EnsureOptions {
  /** Of a new folder, whatever the umask is. An existing one keeps its own. */
  mode: number;
  /** Something else in its place is removed, a link without following it; otherwise it is an error. */
  isReplacing?: boolean;
}

/** A folder of more names would fill the memory before it is read. Counts the folder's own size. */
export const listLimitBytes = 1_048_576;

/** Somebody who swaps names all the time is not worth more. */
const swapLimit = 20;

/** `O_PATH` of open(2): only finds what a name stands for; opening a device or a pipe could have effects. */
const onlyFind = 0o10000000;

/**
 * One folder that is held open until it is disposed.
 *
 * - No name is followed when it is a link, and none is opened that is neither a file nor a folder.
 * - Methods throw the system's errors, and `io_failed` where a text says so.
 */
export class HeldFolder implements AsyncDisposable {
  /** As people know it, for messages. */
  readonly path: string;
  readonly #handle: FileHandle | undefined;
  /** Leads to the held folder, whatever its path leads to by now. */
  readonly #base: string;

  private constructor(path: string, { handle, base }: { handle?: FileHandle | undefined; base: string }) {
    this.path = path;
    this.#handle = handle;
    this.#base = base;
  }

  /**
   * Holds the folder at `path`, following links: only for a path that nobody but root and the agent's user can change.
   * Undefined when there is none.
   */
  static async open(path: string): Promise<HeldFolder | undefined> {
    try {
      return await HeldFolder.#hold(await Deno.realPath(path), path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  static async #hold(at: string, path: string): Promise<HeldFolder | undefined> {
    // A folder cannot be opened there.
    if (Deno.build.os === "windows") {
      return (await lstatIfPresent(at))?.isDirectory ? new HeldFolder(path, { base: at }) : undefined;
    }
    const { constants: { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK }, open } = await import("node:fs/promises");
    let handle: FileHandle;
    try {
      handle = await open(at, O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP", "EMLINK"].includes(osCodeOf(error) ?? "")) return undefined;
      throw error;
    }
    const byHandle = `/proc/self/fd/${handle.fd}`;
    return new HeldFolder(path, { handle, base: await isReachable(byHandle) ? byHandle : at });
  }

  /** What is known of the folder itself. */
  async info(): Promise<EntryInfo> {
    if (this.#handle === undefined) return infoOf(await Deno.lstat(this.#base));
    const { mode, uid, size, mtime } = await this.#handle.stat();
    const kind = { isFile: false, isDirectory: true, isLink: false };
    return { ...kind, mode: mode & 0o7777, uid, sizeBytes: size, changedAt: mtime };
  }

  /** Sets the mode of the folder itself. */
  async setMode(mode: number): Promise<void> {
    if (this.#handle === undefined || (await this.info()).mode === mode) return;
    await this.#handle.chmod(mode);
  }

  /** Gives the folder itself to another user and its group; only root may. */
  async setOwner(owner: { uid: number; gid: number }): Promise<void> {
    await this.#handle?.chown(owner.uid, owner.gid);
  }

  /** Makes what was renamed, created and removed in the folder survive a power loss, where the system can. */
  async sync(): Promise<void> {
    await this.#handle?.sync();
  }

  /** The folder `name` in this one; undefined when there is none, or something else has the name. */
  async openFolder(name: string): Promise<HeldFolder | undefined> {
    return await HeldFolder.#hold(this.#at(name), this.pathOf(name));
  }

  /**
   * Holds the folder `name` in this one, and creates it if it is missing. Throws `io_failed` when something else is
   * there.
   */
  async ensureFolder(name: string, { mode, isReplacing = false }: EnsureOptions): Promise<HeldFolder> {
    for (let attempt = 0; attempt < swapLimit; attempt += 1) {
      const there = await this.openFolder(name);
      if (there !== undefined) return there;
      const other = await this.look(name);
      if (other !== undefined) {
        if (!isReplacing && !other.isDirectory) {
          throw this.#unusable(name, other.isLink ? "it is a link" : "it is not a folder");
        }
        if (!other.isDirectory) await this.remove(name);
        continue;
      }
      if (!await this.#create(name)) continue;
      const made = await this.openFolder(name);
      if (made === undefined) continue;
      await made.setMode(mode);
      return made;
    }
    throw this.#unusable(name, "it is replaced again and again");
  }

  /** What is at `name` itself; undefined when nothing is. */
  async look(name: string): Promise<EntryInfo | undefined> {
    const info = await lstatIfPresent(this.#at(name));
    return info && infoOf(info);
  }

  /**
   * Reads the file `name`; undefined when there is none, when it is longer than `limitBytes`, and when it is no file.
   */
  async readFile(name: string, { limitBytes }: { limitBytes: number }): Promise<FileContent | undefined> {
    await using file = await this.openFile(name);
    if (file === undefined) return undefined;
    const { size, mode, mtimeMs: changedMs } = await file.stat();
    if (size > limitBytes) return undefined;
    const bytes = new Uint8Array(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await file.read(bytes, length, size - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    const bits = Deno.build.os === "windows" ? undefined : mode & 0o7777;
    return { bytes: bytes.subarray(0, length), mode: bits, changedMs };
  }

  /** Opens the file `name`; undefined when there is none, or something else has the name. To be disposed. */
  async openFile(name: string, { isWritable = false } = {}): Promise<FileHandle | undefined> {
    const { constants: { O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR }, open } = await import("node:fs/promises");
    const how = (isWritable ? O_RDWR : O_RDONLY) | (Deno.build.os === "windows" ? 0 : O_NONBLOCK);
    try {
      if (!this.#base.startsWith("/proc/")) {
        if (!(await this.look(name))?.isFile) return undefined;
        const file = await open(this.#at(name), how);
        if ((await file.stat()).isFile()) return file;
        await file.close();
        return undefined;
      }
      await using found = await open(this.#at(name), onlyFind | O_NOFOLLOW);
      return (await found.stat()).isFile() ? await open(`/proc/self/fd/${found.fd}`, how) : undefined;
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(osCodeOf(error) ?? "")) return undefined;
      throw error;
    }
  }

  /**
   * Puts a file with this content and mode in the place of whatever has the name; only a folder stays, and is an error.
   */
  async writeFile(name: string, bytes: Uint8Array, { mode }: { mode: number }): Promise<void> {
    const temporary = temporaryName(".");
    try {
      await this.#createFile(temporary, bytes, { mode });
      await Deno.rename(this.#at(temporary), this.#at(name));
    } catch (error) {
      await this.remove(temporary);
      throw error;
    }
  }

  /**
   * Sees to it that the file `name` has this content and mode, as `writeFile()`. One that has them is left alone, so
   * that nothing wears out the flash. After a power loss it is the old one or the new one.
   */
  async ensureFile(name: string, bytes: Uint8Array, { mode }: { mode: number }): Promise<void> {
    const there = await this.readFile(name, { limitBytes: bytes.length });
    if (there !== undefined && (there.mode ?? mode) === mode && hasBytes(there.bytes, bytes)) return;
    const temporary = temporaryName(".");
    try {
      await this.#createFile(temporary, bytes, { mode, isDurable: true });
      await Deno.rename(this.#at(temporary), this.#at(name));
      await this.#handle?.sync();
    } catch (error) {
      await this.remove(temporary);
      throw error;
    }
  }

  /** All names in the folder; undefined when there are too many to be read (about 1 MiB of them). */
  async list(): Promise<string[] | undefined> {
    if ((await this.info()).sizeBytes > listLimitBytes) return undefined;
    return (await Array.fromAsync(Deno.readDir(this.#base))).map(({ name }) => name);
  }

  /** Removes a file, a link, or an empty folder. A missing one is fine. */
  async remove(name: string): Promise<void> {
    try {
      await Deno.remove(this.#at(name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Moves `name` into another held folder of the same file system. */
  async move(name: string, to: { folder: HeldFolder; name: string }): Promise<void> {
    await Deno.rename(this.#at(name), to.folder.#at(to.name));
  }

  /** The path of `name`, for messages. */
  pathOf(name: string): string {
    return `${this.path}/${name}`;
  }

  /** The path of `name` for another process of the same user, for as long as this folder is held. */
  pathForChild(name: string): string {
    const at = this.#at(name);
    return at.startsWith("/proc/self/") ? at.replace("self", `${Deno.pid}`) : at;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle?.close();
  }

  #at(name: string): string {
    if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
      throw new AgentError("internal", "A held folder was asked for what is not in it");
    }
    return `${this.#base}/${name}`;
  }

  #unusable(name: string, reason: string): AgentError {
    return new AgentError("io_failed", `Cannot use "${this.pathOf(name)}" as a folder: ${reason}`);
  }

  /** False when the name is in use meanwhile. */
  async #create(name: string): Promise<boolean> {
    try {
      await Deno.mkdir(this.#at(name), { mode: 0o700 });
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) return false;
      throw error;
    }
  }

  async #createFile(
    name: string,
    bytes: Uint8Array,
    { mode, isDurable = false }: { mode: number; isDurable?: boolean },
  ): Promise<void> {
    if (Deno.build.os === "windows") {
      using file = await Deno.open(this.#at(name), { write: true, createNew: true });
      return await writeAll(file, bytes);
    }
    const { open } = await import("node:fs/promises");
    // Such a file must be new, so nothing is followed.
    await using file = await open(this.#at(name), "wx", 0o600);
    await writeAll({ write: async (part) => (await file.write(part)).bytesWritten }, bytes);
    await file.chmod(mode);
    if (isDurable) await file.sync();
  }
}

function hasBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

/** False without `/proc`, and where the runtime keeps it from the program. */
async function isReachable(path: string): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  try {
    await Deno.lstat(path);
    return true;
  } catch {
    return false;
  }
}

async function lstatIfPresent(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function infoOf({ isFile, isDirectory, isSymlink, mode, uid, size, mtime }: Deno.FileInfo): EntryInfo {
  return {
    ...{ isFile, isDirectory, isLink: isSymlink, sizeBytes: size },
    mode: mode === null ? undefined : mode & 0o7777,
    uid: uid ?? undefined,
    changedAt: mtime ?? undefined,
  };
}
