/**
 * The folder with a file for each variable of an app. It is part of the app's data folder, so the app can change it at
 * will: what the app puts in the place of a file or of the folder is replaced, never followed.
 */

import { withFileError } from "../../files/os_error.ts";
import type { HeldFolder } from "../../files/held_folder.ts";
import { parseTemporaryName } from "../../files/temporary_name.ts";
import { isVariableName, type Variable } from "./variable.ts";

/** Holds the names that the agent has written, one a line, so that files of the app itself are never removed. */
const recordName = ".variables";

/** A longer record is not one that the agent wrote. */
const recordLimitBytes = 1_048_576;

/** Any user in the container can enter; other users of the device are kept out further up. */
export const envMode = 0o755;

/** Of the files of variables, which any user in the container can read. */
const fileMode = 0o644;

/** The `env` folder of an app, held open. All errors are `io_failed` or `no_space`. */
export class EnvFolder implements AsyncDisposable {
  readonly #folder: HeldFolder;

  constructor(folder: HeldFolder) {
    this.#folder = folder;
  }

  /** Takes rights back that the app may have given away. */
  async restrict(): Promise<void> {
    await withFileError(`Cannot protect the folder "${this.#folder.path}"`, () => this.#folder.setMode(envMode));
  }

  /** Writes each variable to its file: the value and nothing else. Files that are up to date are left alone. */
  async write(variables: readonly Variable[]): Promise<void> {
    for (const { name, value } of variables) await this.#replace(fileOf(name), { content: value, mode: fileMode });
  }

  /** Removes the files of these variables. */
  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const path = this.#folder.pathOf(fileOf(name));
      await withFileError(`Cannot remove "${path}"`, () => this.#folder.remove(fileOf(name)));
    }
  }

  /** The names that the agent has written here. */
  async recorded(): Promise<Set<string>> {
    return await withFileError(`Cannot read "${this.#folder.pathOf(recordName)}"`, async () => {
      const record = await this.#folder.readFile(recordName, { limitBytes: recordLimitBytes });
      if (record === undefined) return new Set<string>();
      return new Set(new TextDecoder().decode(record.bytes).split("\n").filter(isVariableName));
    });
  }

  /** Records which names the agent has written here. */
  async record(names: Iterable<string>): Promise<void> {
    const lines = [...new Set(names)].sort().map((name) => `${name}\n`);
    await this.#replace(recordName, { content: lines.join(""), mode: 0o600 });
  }

  /**
   * Removes files that a crash has left half written; not in a folder with so many files that the app must have made
   * them.
   */
  async removeLeftovers(): Promise<void> {
    await withFileError(`Cannot clean the folder "${this.#folder.path}"`, async () => {
      for (const name of await this.#folder.list() ?? []) {
        if (parseTemporaryName(name, ".")?.isOwn !== false) continue;
        if (!(await this.#folder.look(name))?.isDirectory) await this.#folder.remove(name);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }

  async #replace(name: string, { content, mode }: { content: string; mode: number }): Promise<void> {
    const bytes = new TextEncoder().encode(content);
    await withFileError(`Cannot write "${this.#folder.pathOf(name)}"`, async () => {
      // An app in a crash loop must not wear out the flash.
      const there = await this.#folder.readFile(name, { limitBytes: bytes.length });
      const isWritten = there !== undefined && (there.mode ?? mode) === mode && isEqual(there.bytes, bytes);
      if (!isWritten) await this.#folder.writeFile(name, bytes, { mode });
    });
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function fileOf(name: string): string {
  return `${name}.txt`;
}
