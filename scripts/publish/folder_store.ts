/** A folder that a web server serves. */

import { dirname } from "node:path";
import { removeIfThere } from "../files.ts";
import { type Content, type ReleaseStore, sizeOf } from "./release_store.ts";

/**
 * Files appear when they are complete: they are written under another name, synced and renamed. What an interrupted run
 * left under such a name is overwritten by the next one.
 */
export class FolderStore implements ReleaseStore {
  readonly name: string;
  readonly #root: string;

  /** The folder is created with the first file. */
  constructor(root: string) {
    this.#root = root.replace(/\/+$/, "") || "/";
    this.name = `folder:${this.#root}`;
  }

  async list(prefix: string): Promise<string[]> {
    const found: string[] = [];
    await this.#collect("", found);
    return found.filter((path) => path.startsWith(prefix)).sort();
  }

  async read(path: string): Promise<ReadableStream<Uint8Array> | undefined> {
    try {
      return (await Deno.open(`${this.#root}/${path}`)).readable;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  async write(
    path: string,
    { content, onBytes }: { content: Content; onBytes?: (count: number) => void },
  ): Promise<void> {
    const target = `${this.#root}/${path}`;
    await Deno.mkdir(dirname(target), { recursive: true });
    const partial = `${target}${partialEnd}`;
    using file = await Deno.open(partial, { create: true, write: true, truncate: true, mode: 0o644 });
    for await (const block of await openContent(content)) {
      for (let rest = block; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      onBytes?.(block.length);
    }
    await file.sync();
    const { size } = await file.stat();
    if (size !== await sizeOf(content)) throw new Error(`"${partial}" has ${size} bytes, which are too few`);
    await Deno.rename(partial, target);
  }

  async copy(from: string, to: string): Promise<void> {
    await this.write(to, { content: { file: `${this.#root}/${from}` } });
  }

  async remove(path: string): Promise<void> {
    await removeIfThere(`${this.#root}/${path}`);
  }

  [Symbol.dispose](): void {}

  async #collect(folder: string, found: string[]): Promise<void> {
    try {
      for await (const { name, isDirectory } of Deno.readDir(`${this.#root}/${folder}`)) {
        if (isDirectory) await this.#collect(`${folder}${name}/`, found);
        else if (!name.endsWith(partialEnd)) found.push(`${folder}${name}`);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

const partialEnd = ".partial";

async function openContent(content: Content): Promise<AsyncIterable<Uint8Array>> {
  if ("file" in content) return (await Deno.open(content.file)).readable;
  return new Blob([content.bytes]).stream();
}
