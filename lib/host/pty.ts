/** Programs on a terminal of their own on this machine. Loaded with the first one. */

import type { ReadStream } from "node:tty";
import { AgentError, textOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { loadPtyAddon, type PtyAddon } from "./pty_addon.ts";
import type { Pty, PtyOptions } from "./pseudoterminal.ts";
import { PtyInput } from "./pty_input.ts";
import { openScriptPty } from "./script_pty.ts";

/** A program in the background may hold the terminal open; its output is shown this long after the program's end. */
const ptyDrainMs = 500;

/** Even one that prints all the time holds it open no longer than this. */
const ptyExitMs = 5_000;

/** Starts a program; through util-linux `script` where the addon cannot be loaded. Throws `command_failed`. */
export async function openPty(options: PtyOptions, log: Log): Promise<Pty> {
  let parts: PtyParts;
  try {
    // A bundle loads what it imports in the usual way at its start.
    const { ReadStream } = await import("node:tty");
    parts = { addon: await loadPtyAddon(), input: new PtyInput(), Stream: ReadStream };
  } catch (error) {
    log.warn("Terminals of the device run through script", { error: textOf(error) });
    return await openScriptPty(options);
  }
  return new AddonPty(parts, options);
}

/** What a pseudoterminal is opened, read and written with. */
interface PtyParts {
  addon: PtyAddon;
  input: PtyInput;
  Stream: typeof ReadStream;
}

class AddonPty implements Pty {
  readonly pid: number;
  readonly #addon: PtyAddon;
  readonly #fd: number;
  readonly #stream: ReadStream;
  readonly #input: PtyInput;
  /** What has come and was not read; the stream pauses while there is something. */
  readonly #chunks: Uint8Array[] = [];
  #reader: PromiseWithResolvers<void> | undefined;
  #drain: ReturnType<typeof setTimeout> | undefined;
  #exit: ReturnType<typeof setTimeout> | undefined;
  #hasExited = false;
  #isEnded = false;
  #isClosed = false;

  constructor({ addon, input, Stream }: PtyParts, options: PtyOptions) {
    const { program, args, env, folder, rows, columns } = options;
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const user = [-1, -1] as const;
    const onExit = () => this.#onExit();
    const { fd, pid } = addon.fork(program, [...args], variables, folder, columns, rows, ...user, false, "", onExit);
    this.#addon = addon;
    this.#fd = fd;
    this.pid = pid;
    this.#input = input;
    this.#stream = new Stream(fd);
    this.#stream.on("data", (chunk: Uint8Array) => this.#onData(chunk));
    // The kernel reports the end of the last program on a terminal as an error.
    this.#stream.on("error", () => this.#onEnd());
    this.#stream.on("end", () => this.#onEnd());
    this.#stream.on("close", () => this.#onEnd());
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#chunks.length === 0 && !this.#isEnded) {
      this.#stream.resume();
      this.#startDrain();
      this.#reader = Promise.withResolvers();
      await this.#reader.promise;
    }
    return this.#chunks.shift();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#input.write(this.#fd, bytes);
  }

  resize({ rows, columns }: { rows: number; columns: number }): Promise<void> {
    // The number of its file may be that of another one by now.
    if (this.#isEnded) return Promise.reject(new AgentError("io_failed", "The terminal has ended"));
    this.#addon.resize(this.#fd, columns, rows);
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onEnd();
    this.#stream.destroy();
  }

  #onData(chunk: Uint8Array): void {
    clearTimeout(this.#drain);
    if (this.#isEnded) return void this.#stream.pause();
    this.#chunks.push(chunk);
    if (this.#chunks.length > 1) this.#stream.pause();
    this.#reader?.resolve();
  }

  #onExit(): void {
    this.#hasExited = true;
    if (!this.#isEnded) this.#exit = setTimeout(() => this.#onEnd(), ptyExitMs);
    this.#startDrain();
  }

  #onEnd(): void {
    clearTimeout(this.#drain);
    clearTimeout(this.#exit);
    this.#isEnded = true;
    this.#input.close();
    this.#reader?.resolve();
  }

  /** After the end of the program, what is still in the terminal is read; a reader that waits in vain for more ends. */
  #startDrain(): void {
    clearTimeout(this.#drain);
    if (this.#isEnded) return;
    if (this.#hasExited && this.#chunks.length === 0) this.#drain = setTimeout(() => this.#onEnd(), ptyDrainMs);
  }
}
