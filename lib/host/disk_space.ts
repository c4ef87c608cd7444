/** Asks the operating system how much space is free on a disk. */

import { within } from "../async/deadline.ts";

/** A file system behind a lost network connection never answers. */
const limitMs = 5_000;

/**
 * The bytes that programs without special rights can still write to the file system of `path`. Undefined when the
 * number cannot be read, or not within 5 s. Never throws.
 */
export async function readFreeBytes(path: string): Promise<number | undefined> {
  try {
    return await within(limitMs, () => statFreeBytes(path), { what: `Reading the free space of "${path}"` });
  } catch {
    // No such folder, or no answer: the free space is unknown.
    return undefined;
  }
}

async function statFreeBytes(path: string): Promise<number> {
  // Loaded on first use, so that the start of the agent does not wait for it.
  const { statfs } = await import("node:fs/promises");
  const { bsize, bavail } = await statfs(path);
  return bavail * bsize;
}
