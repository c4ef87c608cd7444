/** Every path that follows from the flags, and the folders that must exist before anything else starts. */

import { AgentError } from "./base/errors.ts";
import type { LockPaths } from "./files/instance_lock.ts";
import type { Flags } from "./flags.ts";

/** Folders and files of the agent. Relative ones are relative to the working directory. */
export interface Paths {
  agentDir: string;
  appsDir: string;
  /** Uploaded and unpacked builds. */
  buildDir: string;
  composeDir: string;
  /** Mounted as `/shared` in every app. */
  sharedDir: string;
  downloadsDir: string;
  dbFile: string;
  /** What requests to `-profiling` must present. */
  profilingTokenFile: string;
  logFile: string;
  /** Held while the agent runs, so that no second one removes its apps: see `files/instance_lock.ts`. */
  locks: LockPaths;
}

/**
 * The paths for these flags. Inner folders are joined with `/` on every operating system, as installers expect. The
 * path of the lock file depends on `machine`; only Windows needs `programData` (its variable `ProgramData`).
 */
export function pathsOf(
  flags: Pick<Flags, "agentDir" | "appsDir" | "dbFileName" | "logFile">,
  machine: { os: string; programData?: string } = { os: Deno.build.os },
): Paths {
  const { agentDir, appsDir, dbFileName, logFile } = flags;
  return {
    agentDir,
    appsDir,
    buildDir: `${appsDir}/build`,
    composeDir: `${appsDir}/compose`,
    sharedDir: `${appsDir}/shared`,
    downloadsDir: `${agentDir}/downloads`,
    dbFile: dbFileName,
    profilingTokenFile: `${agentDir}/profiling.token`,
    logFile,
    locks: { own: `${agentDir}/reagent.lock`, shared: sharedLockOf(machine) },
  };
}

/**
 * Creates the folders of the apps and the downloads, with every folder above them; existing ones are left as they are.
 * The mode is 0777 less the umask. Throws `io_failed` for the first that cannot be created.
 */
export async function createFolders(
  paths: Pick<Paths, "appsDir" | "buildDir" | "composeDir" | "sharedDir" | "downloadsDir">,
): Promise<void> {
  const { appsDir, buildDir, composeDir, sharedDir, downloadsDir } = paths;
  for (const folder of [appsDir, buildDir, composeDir, sharedDir, downloadsDir]) {
    try {
      await Deno.mkdir(folder, { recursive: true, mode: 0o777 });
    } catch (error) {
      throw new AgentError("io_failed", `Cannot create the folder "${folder}"`, { cause: error });
    }
  }
}

/** Machine-wide, whatever the flags say. */
function sharedLockOf(machine: { os: string; programData?: string }): string {
  if (machine.os !== "windows") return "/tmp/ironflock-reagent.lock";
  return `${machine.programData ?? "C:\\ProgramData"}\\ironflock-reagent.lock`;
}
