/** Asks the operating system how much space is free on a disk. */

import { within } from "../async/deadline.ts";
import { parseMemory } from "./stats.ts";
import { readSystemFile } from "./system_file.ts";

/** A file system behind a lost network connection never answers. */
const limitMs = 5_000;

/** A file system. */
export interface Disk {
  totalBytes: number;
  /** What programs without special rights can still write. */
  freeBytes: number;
  /** Files and folders that it can hold; 0 where it has no such limit. */
  totalFiles: number;
  freeFiles: number;
}

/** The file system of `path`. Undefined when it cannot be read, or not within 5 s. Never throws. */
export async function readDisk(path: string): Promise<Disk | undefined> {
  try {
    return await within(limitMs, () => statDisk(path), { what: `Reading the file system of "${path}"` });
  } catch {
    // As below.
    return undefined;
  }
}

/**
 * The bytes that programs without special rights can still write to the file system of `path`. Undefined when the
 * number cannot be read, or not within 5 s. Never throws.
 */
export async function readFreeBytes(path: string): Promise<number | undefined> {
  try {
    const what = `Reading the free space of "${path}"`;
    return (await within(limitMs, () => statDisk(path), { what })).freeBytes;
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

async function statDisk(path: string): Promise<Disk> {
  // Loaded on first use, so that the start of the agent does not wait for it.
  const { statfs } = await import("node:fs/promises");
  const { bsize, blocks, bavail, files, ffree } = await statfs(path);
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize, totalFiles: files, freeFiles: ffree };
}
