/** Reads and removes files that may be missing. */

import { removeTree } from "../lib/host/remove_tree.ts";

const removalLimitMs = 120_000;

/** The text of a file; undefined when it is missing. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Removes a file or a whole folder; a missing one is fine. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes a folder in which apps or containers have written, however deep it is; a missing one is fine. */
export async function removeForeignFolder(path: string): Promise<void> {
  await removeTree(path, { signal: new AbortController().signal, timeoutMs: removalLimitMs });
}
