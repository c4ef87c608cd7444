/** The links in the agent's folder that decide which version is run. Each change is one rename or removal, synced. */

import { AgentError } from "../base/errors.ts";
import { withFileError } from "../files/os_error.ts";
import { fileNameOf, folderOf } from "../files/path_parts.ts";
import { placeCopy, placeLink } from "../files/place_file.ts";
import { syncFolder } from "../files/sync_folder.ts";
import { isAgentVersion } from "./agent_version.ts";
import { versionFileName } from "./old_versions.ts";
import { guardFiles } from "./start_guard.ts";

/** Where the links lead. Undefined when there is no link, or none to a version. */
export interface VersionLinks {
  program: string | undefined;
  fallback: string | undefined;
}

/** Reads both links. */
export async function readVersionLinks(agentDir: string): Promise<VersionLinks> {
  const [program, fallback] = await Promise.all([
    readLinkedVersion(`${agentDir}/${guardFiles.program}`),
    readLinkedVersion(`${agentDir}/${guardFiles.fallback}`),
  ]);
  return { program, fallback };
}

/**
 * Makes `reagent` a link to the file of the version that runs, wherever its program is so far: what is gone back to has
 * to be in its own place before there is something to go back from. Throws `io_failed`, `no_space`.
 */
export async function keepRunningVersion(agentDir: string, running: string): Promise<void> {
  const program = `${agentDir}/${guardFiles.program}`;
  const place = `${agentDir}/${versionFileName(running)}`;
  await withFileError(`Cannot keep version ${running} at "${place}"`, async () => {
    const source = await Deno.realPath(program);
    if (source !== await Deno.realPath(place).catch(() => undefined)) {
      await placeCopy(source, { to: place, mode: 0o755 });
    }
    if (await readLinkedVersion(program) !== running) await linkProgram(program, running);
  });
}

/** Makes one of the links lead to a version. Throws `io_failed`, `no_space`; the link is then as it was. */
export async function linkVersion(
  agentDir: string,
  { name, version }: { name: "program" | "fallback"; version: string },
): Promise<void> {
  const path = `${agentDir}/${guardFiles[name]}`;
  await withFileError(`Cannot link "${path}" to version ${version}`, () => linkProgram(path, version));
}

/** Removes the link to the version before. False when there was none. Throws `io_failed`. */
export async function removeFallback(agentDir: string): Promise<boolean> {
  const path = `${agentDir}/${guardFiles.fallback}`;
  return await withFileError(`Cannot remove "${path}"`, async () => {
    try {
      await Deno.remove(path);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
    await syncFolder(agentDir);
    return true;
  });
}

async function readLinkedVersion(path: string): Promise<string | undefined> {
  try {
    const version = /^reagent-v(.+)$/.exec(fileNameOf(await Deno.readLink(path)))?.[1] ?? "";
    return isAgentVersion(version) ? version : undefined;
  } catch {
    // There is nothing, or something that is no link.
    return undefined;
  }
}

/** A program that is not there must not be linked: the guard would have to go back from nothing. */
async function linkProgram(path: string, version: string): Promise<void> {
  const target = versionFileName(version);
  const { isFile, size } = await Deno.stat(`${folderOf(path)}/${target}`);
  if (!isFile || size === 0) throw new AgentError("io_failed", `Cannot link to "${target}": it is no program`);
  await placeLink(target, { at: path });
}
