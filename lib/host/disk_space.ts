/** Asks the operating system how much space is free on a disk. */

import { within } from "../async/deadline.ts";
import { parseMemory } from "./stats.ts";
import { readSystemFile } from "./system_file.ts";

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

/**
 * Like `readFreeBytes()`, but of a file system that lies in memory no more than what memory is available: it promises
 * half of all memory, whoever uses it.
 */
export async function readWritableBytes(path: string): Promise<number | undefined> {
  const freeBytes = await readFreeBytes(path);
  if (freeBytes === undefined || Deno.build.os !== "linux" || !await isInMemory(path)) return freeBytes;
  const { available } = parseMemory(readSystemFile("/proc/meminfo") ?? "");
  return available === 0 ? freeBytes : Math.min(freeBytes, available);
}

/** `TMPFS_MAGIC` and `RAMFS_MAGIC` of statfs(2). */
const memoryFileSystems: readonly number[] = [0x0102_1994, 0x8584_58f6];

async function isInMemory(path: string): Promise<boolean> {
  try {
    const { statfs } = await import("node:fs/promises");
    return memoryFileSystems.includes((await statfs(path)).type);
  } catch {
    // It could be asked for its free space a moment ago: it was removed.
    return false;
  }
}

async function statFreeBytes(path: string): Promise<number> {
  // Loaded on first use, so that the start of the agent does not wait for it.
  const { statfs } = await import("node:fs/promises");
  const { bsize, bavail } = await statfs(path);
  return bavail * bsize;
}
