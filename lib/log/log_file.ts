/**
 * The file of the agent's own log. Lines are appended at once and on the spot (about 4 µs each), so that a kill loses none.
 * A disk that is full, read-only or gone costs lines, and never more than that.
 */

import type { Clock } from "../async/clock.ts";
import { AgentError, textOf } from "../base/errors.ts";
import { deleteOldBackups, listBackups, nextBackupPath } from "./rotation.ts";

/** What the file is made from. */
export interface LogFileOptions {
  path: string;
  /** Bytes of a file; the default is that of the reference agent. */
  limitBytes?: number;
  clock: Clock;
  /** Told once for each trouble, not for each line that is lost by it; must not throw. */
  onTrouble(text: string): void;
  /** The line, with its line feed, that says how many were lost. */
  lostLine(count: number): string;
}

/** Bytes after which a file is set aside. */
export const defaultLimitBytes = 104_857_600;

/** How long a file that could not be written is left alone. */
export const retryMs = 5_000;

/** How often it is looked up whether the path still leads to the open file. */
export const lookMs = 1_000;

/** A trouble that comes back sooner than this is not told again. */
const sameTroubleMs = 3_600_000;

const encoder = new TextEncoder();
const newFileMode = 0o600;
const folderMode = 0o755;

/** A file that is open. */
interface Opened {
  file: Deno.FsFile;
  sizeBytes: number;
  /** False for a device such as `/dev/null`, which cannot be set aside. */
  isRegular: boolean;
  device: number;
  inode: number | null;
}

/**
 * Appends lines and sets the file aside before the line that would make it too big. No method throws. Invariants: while `#opened`
 * is undefined nothing is tried before `#retryAtMs`; every line that was taken is in a file or counted in `#lost`.
 */
export class LogFile implements Disposable {
  readonly #options: LogFileOptions;
  readonly #limitBytes: number;
  #opened: Opened | undefined;
  #retryAtMs = -Infinity;
  #lookAtMs = 0;
  #rotateAtMs = -Infinity;
  #lost = 0;
  #told = { text: "", atMs: -Infinity };
  #isEnded = false;

  /** Opens the file, with the folders above it, or starts out in trouble. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? defaultLimitBytes;
    this.#attempt(() => this.#open());
  }

  /** Lines that did not get into the file and were not yet reported in it. */
  get lost(): number {
    return this.#lost;
  }

  /** Appends `line`, which ends with a line feed. */
  write(line: string): void {
    if (this.#isEnded) return;
    const isWritten = this.#attempt(() => {
      const now = this.#options.clock.now();
      if (this.#opened === undefined && now < this.#retryAtMs) return false;
      if (this.#opened !== undefined && now >= this.#lookAtMs) this.#look(this.#opened);
      if (this.#opened === undefined) this.#open();
      if (this.#lost > 0) this.#append(this.#options.lostLine(this.#lost));
      this.#lost = 0;
      this.#append(line);
      return true;
    });
    if (!isWritten) this.#lost += 1;
  }

  /** Closes the file. Later lines are dropped. */
  [Symbol.dispose](): void {
    this.#isEnded = true;
    this.#close();
  }

  #attempt(work: () => boolean | void): boolean {
    try {
      return work() !== false;
    } catch (error) {
      this.#close();
      this.#retryAtMs = this.#options.clock.now() + retryMs;
      this.#tell(`Cannot write the log file "${this.#options.path}", its lines are lost: ${textOf(error)}`);
      return false;
    }
  }

  #open(): void {
    const { path, clock } = this.#options;
    this.#lookAtMs = clock.now() + lookMs;
    makeFolder(path);
    this.#opened = openFile(path);
    if (this.#opened.isRegular && this.#opened.sizeBytes >= this.#limitBytes) this.#rotate(this.#opened);
    deleteOldBackups(path);
  }

  #append(line: string): void {
    const bytes = encoder.encode(line);
    const before = this.#opened;
    if (before?.isRegular && before.sizeBytes > 0 && before.sizeBytes + bytes.length > this.#limitBytes) {
      this.#rotate(before);
    }
    const opened = this.#opened;
    if (opened === undefined) throw new AgentError("io_failed", "the file is not open");
    try {
      for (let done = 0; done < bytes.length;) done += opened.file.writeSync(bytes.subarray(done));
    } catch (error) {
      cutTo(opened);
      throw error;
    }
    opened.sizeBytes += bytes.length;
  }

  /** The file may have been moved, deleted or emptied by somebody else. */
  #look(opened: Opened): void {
    this.#lookAtMs = this.#options.clock.now() + lookMs;
    const found = lookUp(this.#options.path, opened);
    if (found === "gone") this.#close();
    else if (found !== undefined) opened.sizeBytes = found.sizeBytes;
  }

  #rotate(opened: Opened): void {
    const { path, clock } = this.#options;
    if (clock.now() < this.#rotateAtMs && opened.sizeBytes < 2 * this.#limitBytes) return;
    const old = opened.file.statSync();
    this.#close();
    try {
      Deno.renameSync(path, nextBackupPath(path, { backups: listBackups(path), date: clock.wall() }));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) return this.#goOnWithout(error, old.size);
    }
    this.#opened = openFile(path);
    copyRights(path, old);
    deleteOldBackups(path);
  }

  /** The file may be a mount of its own, or its folder read-only. At twice the limit the disk matters more than old lines. */
  #goOnWithout(error: unknown, sizeBytes: number): void {
    const { path, clock } = this.#options;
    this.#rotateAtMs = clock.now() + retryMs;
    this.#tell(`Cannot set the log file "${path}" aside: ${textOf(error)}`);
    if (sizeBytes >= 2 * this.#limitBytes) Deno.truncateSync(path);
    this.#opened = openFile(path);
  }

  #close(): void {
    try {
      this.#opened?.file.close();
    } catch {
      // The handle is given up either way.
    }
    this.#opened = undefined;
  }

  #tell(text: string): void {
    const now = this.#options.clock.now();
    if (text === this.#told.text && now - this.#told.atMs < sameTroubleMs) return;
    this.#told = { text, atMs: now };
    this.#options.onTrouble(text);
  }
}

function makeFolder(path: string): void {
  const end = Math.max(path.lastIndexOf("/"), Deno.build.os === "windows" ? path.lastIndexOf("\\") : -1);
  if (end > 0) Deno.mkdirSync(path.slice(0, end), { recursive: true, mode: folderMode });
}

function openFile(path: string): Opened {
  const there = statIfThere(path);
  // Opening a named pipe would wait for its reader.
  if (there !== undefined && !there.isFile && !there.isCharDevice) {
    throw new AgentError("io_failed", "it is not a file");
  }
  const file = Deno.openSync(path, { append: true, create: true, mode: newFileMode });
  const info = file.statSync();
  const opened: Opened = {
    file,
    sizeBytes: info.size,
    isRegular: info.isFile,
    device: info.dev,
    inode: info.ino,
  };
  if (opened.isRegular && opened.sizeBytes > 0 && !endsWithLineFeed(path, opened.sizeBytes)) {
    // A cut of power left half a line; the next one must not be glued to it.
    opened.sizeBytes += file.writeSync(encoder.encode("\n"));
  }
  return opened;
}

function endsWithLineFeed(path: string, sizeBytes: number): boolean {
  try {
    using file = Deno.openSync(path, { read: true });
    file.seekSync(sizeBytes - 1, Deno.SeekMode.Start);
    const last = new Uint8Array(1);
    return file.readSync(last) === 1 && last[0] === 0x0a;
  } catch {
    // A file that may be written and not read; an empty line more does no harm.
    return false;
  }
}

/** A disk that fills up takes half a line. */
function cutTo(opened: Opened): void {
  try {
    if (opened.isRegular) opened.file.truncateSync(opened.sizeBytes);
  } catch {
    // Then the half line is ended when the file is opened again.
  }
}

function copyRights(path: string, old: Deno.FileInfo): void {
  if (Deno.build.os === "windows" || old.mode === null) return;
  Deno.chmodSync(path, old.mode & 0o7777);
  try {
    Deno.chownSync(path, old.uid, old.gid);
  } catch {
    // Only root may give a file away.
  }
}

function lookUp(path: string, opened: Opened): "gone" | { sizeBytes: number } | undefined {
  try {
    const info = statIfThere(path);
    // On Windows a file may be without a number.
    const isSame = info !== undefined && info.dev === opened.device &&
      (info.ino === opened.inode || info.ino === null || opened.inode === null);
    return isSame ? { sizeBytes: info.size } : "gone";
  } catch {
    // As long as the open file takes lines, it does not matter why the path cannot be looked up.
    return undefined;
  }
}

function statIfThere(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}
