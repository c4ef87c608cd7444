/** Asks the operating system how much room a disk has left. */

import { within } from "../async/deadline.ts";

/** A file system behind a network that is gone never answers. */
const limitMs = 5_000;

/**
 * The bytes that programs without special rights can still write to the file system of `path`. Undefined when they cannot be read,
 * which includes an answer that takes longer than 5 s. Never throws.
 */
export async function readFreeBytes(path: string): Promise<number | undefined> {
  try {
    return await within(limitMs, () => askFreeBytes(path), { what: `Reading the free space of "${path}"` });
  } catch {
    // No such folder, or nobody to ask: unknown is the answer.
    return undefined;
  }
}

async function askFreeBytes(path: string): Promise<number> {
  // Loaded on the first use: the start of the agent does not wait for it.
  const { statfs } = await import("node:fs/promises");
  const { bsize, bavail } = await statfs(path);
  return bavail * bsize;
}
