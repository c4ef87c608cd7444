/** Follows symbolic links to the file that is to be written. */

import { AgentError } from "../base/errors.ts";
import { folderOf } from "./path_parts.ts";

/**
 * The file behind the links at `path`, even one that does not exist yet. Throws `io_failed` for links in a circle, and
 * for a link at `path` that another user than root has made: it may lead anywhere.
 */
export async function resolveLinks(path: string): Promise<string> {
  await assertTrustedLink(path);
  let current = path;
  for (let hops = 0; hops < 40; hops++) {
    try {
      return await Deno.realPath(current);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    const link = await readLinkIfThere(current);
    if (link === undefined) return current;
    current = link.startsWith("/") ? link : `${folderOf(current)}/${link}`;
  }
  throw new AgentError("io_failed", `Cannot write "${path}": too many symbolic links`);
}

async function assertTrustedLink(path: string): Promise<void> {
  let info: Deno.FileInfo;
  try {
    info = await Deno.lstat(path);
  } catch {
    // What cannot be looked at cannot be written to either, and says so then.
    return;
  }
  if (!info.isSymlink || info.uid === null || info.uid === 0 || info.uid === Deno.uid()) return;
  throw new AgentError("io_failed", `Cannot write "${path}": it is a link that another user has made`);
}

async function readLinkIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readLink(path);
  } catch {
    // Nothing is there, or it is no link: the path itself is the answer, and writing to it reports what is wrong.
    return undefined;
  }
}
