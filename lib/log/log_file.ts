/**
 * The file of the agent's own log. Lines are appended synchronously (about 4 µs each), so that a kill loses none. A
 * disk that is full, read-only or gone costs lines, and nothing else.
 */

import type { Clock } from "../async/clock.ts";
import { AgentError, textOf } from "../base/errors.ts";
import { appendBytes, copyRights, createLogFolder, type LogHandle, lookUp, openHandle } from "./log_handle.ts";
import { deleteOldBackups, listBackups, nextBackupPath } from "./rotation.ts";

/** Where the file is, and when it is rotated. */
export interface LogFileOptions {
  path: string;
  /** Bytes of a file; 100 MiB when absent. */
  limitBytes?: number;
  clock: Clock;
  /** Called once for each problem, not for each line that is lost by it. Must not throw. */
  onProblem(text: string): void;
  /** Returns the line, with its line feed, that reports how many were lost. */
  lostLine(count: number): string;
}

/** Bytes after which a file is rotated; the default of the reference agent. */
export const defaultLimitBytes = 104_857_600;

/** Between two attempts to open a file that cannot be written. */
export const reopenPauseMs = 5_000;

/** How often the agent checks that the path is still the open file. */
export const pathCheckEveryMs = 1_000;

/** The same problem is not reported again for this long. */
const sameProblemMs = 3_600_000;

const encoder = new TextEncoder();

/**
 * Appends lines, and rotates the file before a line that would make it too large. No method throws. Invariants: while
 * `#handle` is undefined nothing is attempted before `#reopenAtMs`; every line is in a file or counted in `#lost`.
 */
export class LogFile implements Disposable {
  readonly #options: LogFileOptions;
  readonly #limitBytes: number;
  #handle: LogHandle | undefined;
  #reopenAtMs = -Infinity;
  #checkAtMs = 0;
  #rotateAtMs = -Infinity;
  #lost = 0;
  #lastProblem = { text: "", atMs: -Infinity };
  #isEnded = false;

  /** Opens the file and creates the folders above it, or starts with a problem. */
  constructor(options: LogFileOptions) {
    this.#options = options;
    this.#limitBytes = options.limitBytes ?? defaultLimitBytes;
    this.#attempt(() => this.#open());
  }

  /** Lines that are not in the file and not yet reported in it. */
  get lost(): number {
    return this.#lost;
  }

  /** Appends `line`, which ends with a line feed. */
  write(line: string): void {
    if (this.#isEnded) return;
    const isWritten = this.#attempt(() => {
      const now = this.#options.clock.now();
      if (this.#handle === undefined && now < this.#reopenAtMs) return false;
      if (this.#handle !== undefined && now >= this.#checkAtMs) this.#check(this.#handle);
      if (this.#handle === undefined) this.#open();
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
      this.#reopenAtMs = this.#options.clock.now() + reopenPauseMs;
      this.#report(`Cannot write the log file "${this.#options.path}", its lines are lost: ${textOf(error)}`);
      return false;
    }
  }

  #open(): void {
    const { path, clock } = this.#options;
    this.#checkAtMs = clock.now() + pathCheckEveryMs;
    createLogFolder(path);
    this.#handle = openHandle(path);
    if (this.#handle.isRegular && this.#handle.sizeBytes >= this.#limitBytes) this.#rotate(this.#handle);
    deleteOldBackups(path);
  }

  #append(line: string): void {
    const bytes = encoder.encode(line);
    const before = this.#handle;
    if (before?.isRegular && before.sizeBytes > 0 && before.sizeBytes + bytes.length > this.#limitBytes) {
      this.#rotate(before);
    }
    if (this.#handle === undefined) throw new AgentError("io_failed", "the file is not open");
    appendBytes(this.#handle, bytes);
  }

  /** Another program may have moved, deleted or emptied the file. */
  #check(handle: LogHandle): void {
    this.#checkAtMs = this.#options.clock.now() + pathCheckEveryMs;
    const current = lookUp(this.#options.path, handle);
    if (current === "gone") this.#close();
    else if (current !== undefined) handle.sizeBytes = current.sizeBytes;
  }

  #rotate(handle: LogHandle): void {
    const { path, clock } = this.#options;
    if (clock.now() < this.#rotateAtMs && handle.sizeBytes < 2 * this.#limitBytes) return;
    const old = handle.file.statSync();
    this.#close();
    try {
      Deno.renameSync(path, nextBackupPath(path, { backups: listBackups(path), date: clock.wall() }));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) return this.#continueWithout(error, old.size);
    }
    this.#handle = openHandle(path);
    copyRights(path, old);
    deleteOldBackups(path);
  }

  /**
   * The file cannot be renamed: it may be a mount, or its folder read-only. At twice the limit, free space matters more
   * than old lines.
   */
  #continueWithout(error: unknown, sizeBytes: number): void {
    const { path, clock } = this.#options;
    this.#rotateAtMs = clock.now() + reopenPauseMs;
    this.#report(`Cannot set the log file "${path}" aside: ${textOf(error)}`);
    if (sizeBytes >= 2 * this.#limitBytes) Deno.truncateSync(path);
    this.#handle = openHandle(path);
  }

  #close(): void {
    try {
      this.#handle?.file.close();
    } catch {
      // The handle is given up either way.
    }
    this.#handle = undefined;
  }

  #report(text: string): void {
    const now = this.#options.clock.now();
    if (text === this.#lastProblem.text && now - this.#lastProblem.atMs < sameProblemMs) return;
    this.#lastProblem = { text, atMs: now };
    this.#options.onProblem(text);
  }
}
