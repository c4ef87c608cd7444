/**
 * The folder with one file for each variable of an app. It lies in the app's data folder, so the app can change it as it
 * likes: links that it plants are replaced, never followed.
 */

import { fileError } from "../../files/os_error.ts";
import { isVariableName, type Variable } from "./environment.ts";

/** Which names the agent has written, one a line, so that files of the app itself are never removed. */
const recordName = ".variables";

/** A longer record is not one that the agent wrote. */
const recordLimitBytes = 1_048_576;

/** A temporary file is named after the process that makes it, so that the leftovers of others are known. */
const temporaryName = /^\.(\d+-\d+)-[0-9a-f]{8}\.tmp$/;

/** The `env` folder of an app. All errors are `io_failed` or `no_space`. */
export class EnvFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** False also for a link to a folder. */
  async exists(): Promise<boolean> {
    return (await look(this.path))?.isDirectory === true;
  }

  /** Makes it with mode 0700 where it is missing; its parent must be there. */
  async create(): Promise<void> {
    if (await this.exists()) return;
    await attempt(`Cannot create the folder "${this.path}"`, async () => {
      await removeIfThere(this.path);
      await Deno.mkdir(this.path, { mode: 0o700 });
    });
  }

  /** Nobody but root and the agent may enter, also where the app has allowed it. */
  async restrict(): Promise<void> {
    await attempt(`Cannot protect the folder "${this.path}"`, () => setMode(this.path, 0o700));
  }

  /** Writes one file for each variable: its value, without a line break. Files that are so already are left alone. */
  async write(variables: readonly Variable[], mode: number): Promise<void> {
    for (const { name, value } of variables) await this.#replace(fileOf(name), value, mode);
  }

  /** Removes the files of these variables. */
  async remove(names: Iterable<string>): Promise<void> {
    for (const name of names) {
      const path = `${this.path}/${fileOf(name)}`;
      await attempt(`Cannot remove "${path}"`, () => removeIfThere(path));
    }
  }

  /** The names that the agent has written here. */
  async recorded(): Promise<Set<string>> {
    const path = `${this.path}/${recordName}`;
    return await attempt(`Cannot read "${path}"`, async () => {
      const info = await look(path);
      if (info?.isFile !== true || info.size > recordLimitBytes) return new Set<string>();
      return new Set((await Deno.readTextFile(path)).split("\n").filter(isVariableName));
    });
  }

  /** Says which names the agent has written here. */
  async record(names: Iterable<string>): Promise<void> {
    const lines = [...new Set(names)].sort().map((name) => `${name}\n`);
    await this.#replace(recordName, lines.join(""), 0o600);
  }

  /** Removes what a crash left of files being written. */
  async removeLeftovers(): Promise<void> {
    await attempt(`Cannot clean the folder "${this.path}"`, async () => {
      for await (const { name } of Deno.readDir(this.path)) {
        const tag = temporaryName.exec(name)?.[1];
        if (tag !== undefined && tag !== processTag()) await removeIfThere(`${this.path}/${name}`);
      }
    });
  }

  /** Removes it with all that is in it. A missing one is fine. */
  async delete(): Promise<void> {
    await attempt(`Cannot delete the folder "${this.path}"`, () => removeIfThere(this.path, { recursive: true }));
  }

  /** A rename replaces a link and never follows it; the same holds for the creation of a file that must be new. */
  async #replace(fileName: string, content: string, mode: number): Promise<void> {
    const path = `${this.path}/${fileName}`;
    const bytes = new TextEncoder().encode(content);
    const temporary = `${this.path}/.${processTag()}-${crypto.randomUUID().slice(0, 8)}.tmp`;
    await attempt(`Cannot write "${path}"`, async () => {
      // An app that starts over and over must not wear the flash out.
      if (await isWritten(path, bytes, mode)) return;
      try {
        await writeNew(temporary, bytes, mode);
        await Deno.rename(temporary, path);
      } catch (error) {
        await removeIfThere(temporary);
        throw error;
      }
    });
  }
}

function fileOf(name: string): string {
  return `${name}.txt`;
}

async function isWritten(path: string, bytes: Uint8Array, mode: number): Promise<boolean> {
  const info = await look(path);
  if (info?.isFile !== true || info.size !== bytes.length || !hasMode(info, mode)) return false;
  const found = await Deno.readFile(path);
  return found.length === bytes.length && found.every((byte, index) => byte === bytes[index]);
}

async function writeNew(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  using file = await Deno.open(path, { write: true, createNew: true, mode });
  for (let written = 0; written < bytes.length;) written += await file.write(bytes.subarray(written));
  if (!hasMode(await file.stat(), mode)) await setMode(path, mode);
}

function hasMode(info: Deno.FileInfo, mode: number): boolean {
  return Deno.build.os === "windows" || info.mode === null || (info.mode & 0o7777) === mode;
}

async function setMode(path: string, mode: number): Promise<void> {
  if (Deno.build.os !== "windows") await Deno.chmod(path, mode);
}

/** What is at `path` itself; undefined when nothing is. */
async function look(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw fileError(`Cannot look at "${path}"`, error);
  }
}

async function removeIfThere(path: string, options: Deno.RemoveOptions = {}): Promise<void> {
  try {
    await Deno.remove(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(what, error);
  }
}

/** The moment this process began tells its files from those of a process before it with the same number. */
function processTag(): string {
  return `${Deno.pid}-${Math.round(performance.timeOrigin)}`;
}
