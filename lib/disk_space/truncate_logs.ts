/** Empties the logs of containers that have grown too large. */

import { throwIfAborted } from "../async/deadline.ts";

/** A container's log above this is emptied. */
export const logLimitBytes = 50 * 1024 * 1024;

/**
 * Empties large logs below `folder` and returns how many bytes they had. They are not removed, because the engine holds
 * them open and the space would not be freed. Throws `canceled`, and what the file system throws.
 */
export async function truncateLogs(folder: string, signal: AbortSignal): Promise<number> {
  let emptiedBytes = 0;
  try {
    for await (const entry of Deno.readDir(folder)) {
      throwIfAborted(signal, "Emptying logs");
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory) emptiedBytes += await truncateLogs(path, signal);
      else if (entry.isFile && entry.name.endsWith(".log")) emptiedBytes += await truncateLarge(path);
    }
  } catch (error) {
    // The files of a container disappear when it is removed meanwhile.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return emptiedBytes;
}

async function truncateLarge(path: string): Promise<number> {
  const { size } = await Deno.stat(path);
  if (size <= logLimitBytes) return 0;
  await Deno.truncate(path, 0);
  return size;
}
