/**
 * The folder with a file for each variable of an app. It is part of the app's data folder, so the app can change it at
 * will: links that the app plants are replaced, never followed.
 */

import { fileError } from "../../files/os_error.ts";
import { parseTemporaryName, temporaryName } from "../../files/temporary_name.ts";
import { writeAll } from "../../files/write_all.ts";
import { isVariableName, type Variable } from "./variable.ts";

/** Holds the names that the agent has written, one a line, so that files of the app itself are never removed. */
const recordName = ".variables";

/** A longer record is not one that the agent wrote. */
const recordLimitBytes = 1_048_576;

interface FileContent {
  bytes: Uint8Array;
  mode: number;
}

/** The `env` folder of an app. All errors are `io_failed` or `no_space`. */
export class EnvFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** False for a link to a folder, too. */
  async exists(): Promise<boolean> {
    return (await lstatIfPresent(this.path))?.isDirectory === true;
  }

  /** Creates it with mode 0700 if it is missing; its parent must exist. */
  async create(): Promise<void> {
    if (await this.exists()) return;
    await withFileError(`Cannot create the folder "${this.path}"`, async () => {
      await removeIfPresent(this.path);
      await Deno.mkdir(this.path, { mode: 0o700 });
    });
  }

  /** Lets nobody but root and the agent enter, even if the app has allowed it. */
  async restrict(): Promise<void> {
    await withFileError(`Cannot protect the folder "${this.path}"`, () => setMode(this.path, 0o700));
  }

  /** Writes each variable to its file: the value, without a line break. Files that are up to date are left alone. */
  async write(variables: readonly Variable[], mode: number): Promise<void> {
    for (const { name, value } of variables) await this.#replace(fileOf(name), { content: value, mode });
  }

  /** Removes the files of these variables. */
  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const path = `${this.path}/${fileOf(name)}`;
      await withFileError(`Cannot remove "${path}"`, () => removeIfPresent(path));
    }
  }

  /** The names that the agent has written here. */
  async recorded(): Promise<Set<string>> {
    const path = `${this.path}/${recordName}`;
    return await withFileError(`Cannot read "${path}"`, async () => {
      const info = await lstatIfPresent(path);
      if (info?.isFile !== true || info.size > recordLimitBytes) return new Set<string>();
      return new Set((await Deno.readTextFile(path)).split("\n").filter(isVariableName));
    });
  }

  /** Records which names the agent has written here. */
  async record(names: Iterable<string>): Promise<void> {
    const lines = [...new Set(names)].sort().map((name) => `${name}\n`);
    await this.#replace(recordName, { content: lines.join(""), mode: 0o600 });
  }

  /** Removes files that a crash has left half written. */
  async removeLeftovers(): Promise<void> {
    await withFileError(`Cannot clean the folder "${this.path}"`, async () => {
      for await (const { name } of Deno.readDir(this.path)) {
        if (parseTemporaryName(name, ".")?.isOwn === false) await removeIfPresent(`${this.path}/${name}`);
      }
    });
  }

  /** Removes it with all that is in it. A missing one is fine. */
  async delete(): Promise<void> {
    await withFileError(
      `Cannot delete the folder "${this.path}"`,
      () => removeIfPresent(this.path, { recursive: true }),
    );
  }

  /** Neither a rename nor the creation of a file that must be new follows a link. */
  async #replace(fileName: string, { content, mode }: { content: string; mode: number }): Promise<void> {
    const path = `${this.path}/${fileName}`;
    const bytes = new TextEncoder().encode(content);
    const temporary = `${this.path}/${temporaryName(".")}`;
    await withFileError(`Cannot write "${path}"`, async () => {
      // An app in a crash loop must not wear out the flash.
      if (await isWritten(path, { bytes, mode })) return;
      try {
        await createFile(temporary, { bytes, mode });
        await Deno.rename(temporary, path);
      } catch (error) {
        await removeIfPresent(temporary);
        throw error;
      }
    });
  }
}

function fileOf(name: string): string {
  return `${name}.txt`;
}

async function isWritten(path: string, { bytes, mode }: FileContent): Promise<boolean> {
  const info = await lstatIfPresent(path);
  if (info?.isFile !== true || info.size !== bytes.length || !hasMode(info, mode)) return false;
  const found = await Deno.readFile(path);
  return found.length === bytes.length && found.every((byte, index) => byte === bytes[index]);
}

async function createFile(path: string, { bytes, mode }: FileContent): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  await writeAll(file, bytes);
  if (!hasMode(await file.stat(), mode)) await setMode(path, mode);
}

function hasMode(info: Deno.FileInfo, mode: number): boolean {
  return Deno.build.os === "windows" || info.mode === null || (info.mode & 0o7777) === mode;
}

async function setMode(path: string, mode: number): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, mode);
}

/** What is at `path` itself; undefined when nothing is. */
async function lstatIfPresent(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw fileError(`Cannot look at "${path}"`, error);
  }
}

async function removeIfPresent(path: string, options: Deno.RemoveOptions = {}): Promise<void> {
  try {
    await Deno.remove(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function withFileError<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(what, error);
  }
}
