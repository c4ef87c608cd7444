/**
 * A file that arrives in pieces. Until it is complete it has a name of its own, so that an upload which is aborted
 * leaves the complete one from before.
 */

import { AgentError } from "../../base/errors.ts";
import { HeldFolder } from "../../files/held_folder.ts";
import { fileError } from "../../files/os_error.ts";
import { parseTemporaryName, temporaryName } from "../../files/temporary_name.ts";
import { writeAll } from "../../files/write_all.ts";

/** What is to arrive. */
export interface IncomingFileOptions {
  /** An existing folder that only root and the agent's user can enter. */
  folder: string;
  /** See `assertUploadName()`. */
  name: string;
  totalBytes: number;
}

/** Bytes of a file name, as most file systems have it. */
const uploadNameBytes = 255;

const temporaryPrefix = ".upload-";

/** Throws `bad_request` for a name that would lead out of the folder of uploads, or that no file can have there. */
export function assertUploadName(name: string): void {
  const isFitting = name !== "" && new TextEncoder().encode(name).length <= uploadNameBytes;
  // deno-lint-ignore no-control-regex -- they are what must not be there
  if (isFitting && !/^\.|[/\\\x00-\x1f\x7f]/.test(name)) return;
  throw new AgentError(
    "bad_request",
    `Cannot store an upload as ${
      quoted(name)
    }: the name must have 1 to ${uploadNameBytes} bytes, must not begin with ` +
      `a dot, and must not contain a slash, a backslash or a control character`,
  );
}

/** Removes what uploads of earlier processes have left in the folder. A missing folder is fine. */
export async function removeAbortedUploads(folder: string): Promise<void> {
  await using held = await HeldFolder.open(folder);
  for (const name of await held?.list() ?? []) {
    if (parseTemporaryName(name, temporaryPrefix)?.isOwn === false) await held?.remove(name);
  }
}

/** One such file. It has to be finished or dropped. */
export class IncomingFile {
  readonly name: string;
  readonly totalBytes: number;
  readonly #folder: HeldFolder;
  readonly #temporary: string;
  readonly #file: Deno.FsFile;
  #receivedBytes = 0;

  private constructor(
    options: IncomingFileOptions,
    open: { folder: HeldFolder; temporary: string; file: Deno.FsFile },
  ) {
    this.name = options.name;
    this.totalBytes = options.totalBytes;
    this.#folder = open.folder;
    this.#temporary = open.temporary;
    this.#file = open.file;
  }

  /** Begins a file. Throws `bad_request` when something else has its name, `io_failed`, `no_space`. */
  static async begin(options: IncomingFileOptions): Promise<IncomingFile> {
    assertUploadName(options.name);
    const folder = await HeldFolder.open(options.folder);
    if (folder === undefined) throw new AgentError("io_failed", `The folder "${options.folder}" is missing`);
    try {
      await assertReplaceable(folder, options.name);
      const temporary = temporaryName(temporaryPrefix);
      // Such a file must be new, so nothing is followed.
      const how = { write: true, createNew: true, mode: 0o600 } as const;
      return new IncomingFile(options, {
        folder,
        temporary,
        file: await Deno.open(folder.pathForChild(temporary), how),
      });
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw fileError(attempt(options.name), error);
    }
  }

  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Adds bytes. Throws `bad_request` when they are more than was announced, `io_failed`, `no_space`. */
  async append(bytes: Uint8Array): Promise<void> {
    const received = this.#receivedBytes + bytes.length;
    if (received > this.totalBytes) {
      const sizes = `${received} bytes have arrived, and ${this.totalBytes} were announced`;
      throw new AgentError("bad_request", `${attempt(this.name)}: ${sizes}`);
    }
    try {
      await writeAll(this.#file, bytes);
    } catch (error) {
      throw fileError(attempt(this.name), error);
    }
    this.#receivedBytes = received;
  }

  /**
   * Gives the complete file its name, in the place of an earlier one. Throws `bad_request` when bytes are missing or
   * something else has the name, `io_failed`, `no_space`; then it has to be dropped.
   */
  async finish(): Promise<void> {
    if (this.#receivedBytes < this.totalBytes) {
      const sizes = `it ended after ${this.#receivedBytes} of ${this.totalBytes} bytes`;
      throw new AgentError("bad_request", `${attempt(this.name)}: ${sizes}`);
    }
    try {
      await this.#file.sync();
      // Older agents leave it readable; the folder is closed.
      if (Deno.build.os !== "windows") await Deno.chmod(this.#folder.pathForChild(this.#temporary), 0o644);
      await assertReplaceable(this.#folder, this.name);
      await this.#folder.move(this.#temporary, { folder: this.#folder, name: this.name });
      await this.#folder.sync();
    } catch (error) {
      throw fileError(attempt(this.name), error);
    }
    await this.#close();
  }

  /** Removes what has arrived. Throws `io_failed`. */
  async drop(): Promise<void> {
    try {
      await this.#folder.remove(this.#temporary);
    } catch (error) {
      throw fileError(`Cannot remove an upload of ${quoted(this.name)}`, error);
    } finally {
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    this.#file.close();
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function assertReplaceable(folder: HeldFolder, name: string): Promise<void> {
  const there = await folder.look(name);
  if (there === undefined || there.isFile) return;
  const kind = there.isLink ? "a link" : there.isDirectory ? "a folder" : "something that is no file";
  throw new AgentError("bad_request", `${attempt(name)}: ${kind} has this name already`);
}

function attempt(name: string): string {
  return `Cannot store an upload as ${quoted(name)}`;
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 100 ? `${name.slice(0, 100)}…` : name);
}
