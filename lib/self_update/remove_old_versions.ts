/** Removes versions of the agent that nobody needs. */

import type { Log } from "../base/log.ts";
import { removeLeftovers, tryRemove } from "../files/leftovers.ts";
import { fileNameOf } from "../files/path_parts.ts";
import { removableVersions, versionFileName } from "./old_versions.ts";
import { guardFiles } from "./start_guard.ts";

/**
 * Keeps the running, the newest and the previous version, and what is linked. Copies that an interruption has left go,
 * too: nobody places that version again. Never throws.
 */
export async function removeOldVersions(
  { agentDir, downloadsDir }: { agentDir: string; downloadsDir: string },
  { running, newest, log }: { running: string; newest: string; log: Log },
): Promise<void> {
  try {
    const names = [...Deno.readDirSync(agentDir)].filter(({ isFile }) => isFile).map(({ name }) => name);
    const links = await Promise.all([guardFiles.program, guardFiles.fallback].map((name) => {
      return Deno.realPath(`${agentDir}/${name}`).catch(() => "");
    }));
    const inUse = new Set([...links, Deno.execPath()].map(fileNameOf));
    for (const name of removableVersions(names, { running, newest, inUse })) {
      await Deno.remove(`${agentDir}/${name}`);
      log.info("Removed an old version of the agent", { path: `${agentDir}/${name}` });
    }
    for (const name of halfCopies(names)) await removeLeftovers(`${agentDir}/${name}`, log);
    // Downloads of other versions that nobody goes on with.
    const left = [...Deno.readDirSync(downloadsDir)].filter(({ name, isFile }) => isFile && /^reagent-v\d/.test(name));
    for (const { name } of left) if (name !== versionFileName(newest)) await tryRemove(`${downloadsDir}/${name}`);
  } catch (error) {
    log.debug("Cannot remove old versions of the agent", { error });
  }
}

/** The programs of which there is a temporary file. */
function halfCopies(names: readonly string[]): string[] {
  return names.flatMap((name) => /^\.(reagent-v.+)\.[0-9a-f-]+\.tmp$/.exec(name)?.[1] ?? []);
}
