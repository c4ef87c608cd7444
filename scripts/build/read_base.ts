/** Reads which base executable a build has been given. */

import { headBytes, platformOf } from "./base_executable.ts";
import type { BaseExecutable } from "./plan.ts";

/**
 * The base executable at `path`; undefined without a path. One that cannot be read has no platform, and the reason, so
 * that the plan refuses each target.
 */
export async function readBase(path: string | undefined): Promise<BaseExecutable | undefined> {
  if (!path) return undefined;
  const unread = (problem: string): BaseExecutable => ({ path, platform: undefined, problem });
  try {
    if ((await Deno.stat(path)).isDirectory) return unread("is a folder");
    using file = await Deno.open(path);
    const head = new Uint8Array(headBytes);
    const count = await file.read(head);
    return { path, platform: platformOf(head.subarray(0, count ?? 0)) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return unread("does not exist");
    return unread(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
