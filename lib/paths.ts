/** Every path that follows from the flags, and the folders that must exist before anything else starts. */

import { AgentError } from "./base/errors.ts";
import { type Log, silentLog } from "./base/log.ts";
import { closedMode, closeFolder, openFolder, openMode } from "./files/folder_rights.ts";
import { HeldFolder } from "./files/held_folder.ts";
import type { LockPaths } from "./files/instance_lock.ts";
import { makeFolderSync } from "./files/make_folder.ts";
import { fileNameOf, folderOf } from "./files/path_parts.ts";
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
  /** The certificates that apps trust on an appliance; its folder is mounted into them. */
  caBundleFile: string;
  /** What vouches for the endpoint, as last seen: for a start without a network. */
  endpointChainFile: string;
  downloadsDir: string;
  /** What is remembered of the agent's own updates. */
  selfUpdateFile: string;
  /** What is remembered of the latest update of the operating system. */
  osUpdateFile: string;
  /** Settings of `docker` commands that are running. */
  dockerConfigDir: string;
  /** A change of the network that is being tried out, or whose end Studio has not heard. */
  networkChangeFile: string;
  /** The shells of terminals that run. */
  openShellsFile: string;
  /** The program that runs the tunnels, its settings, and its own log. */
  tunnelClient: { program: string; configFile: string; logFile: string };
  /** How far the logs of apps have been shown. */
  logPositionsDir: string;
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
  const isWindows = machine.os === "windows";
  return {
    agentDir,
    appsDir,
    buildDir: `${appsDir}/build`,
    composeDir: `${appsDir}/compose`,
    sharedDir: `${appsDir}/shared`,
    endpointChainFile: `${agentDir}/endpoint-chain.pem`,
    caBundleFile: `${appsDir}/certs/ca-bundle.crt`,
    downloadsDir: `${agentDir}/downloads`,
    selfUpdateFile: `${agentDir}/self_update.json`,
    osUpdateFile: `${agentDir}/os_update.json`,
    dockerConfigDir: `${agentDir}/docker_config`,
    networkChangeFile: `${agentDir}/network_change.json`,
    openShellsFile: `${agentDir}/open_shells.json`,
    tunnelClient: {
      program: `${agentDir}/frpc${isWindows ? ".exe" : ""}`,
      configFile: `${agentDir}/frpc.yaml`,
      logFile: isWindows ? `${agentDir}/frpc.log` : "/var/log/frpc.log",
    },
    logPositionsDir: `${agentDir}/log_positions`,
    dbFile: dbFileName,
    profilingTokenFile: `${agentDir}/profiling.token`,
    logFile,
    locks: { own: `${agentDir}/reagent.lock`, shared: sharedLockOf(machine) },
  };
}

/**
 * Creates the agent's folders, whatever the umask is, and takes from existing ones what other users of the device must
 * not have: they cannot enter the folder of the apps, nor change that of the agent. Nothing in the folders is lost.
 * Throws `io_failed` for the first that cannot be created.
 */
export async function createFolders(
  paths: Pick<Paths, "agentDir" | "appsDir" | "buildDir" | "composeDir" | "sharedDir" | "downloadsDir">,
  { log = silentLog }: { log?: Log } = {},
): Promise<void> {
  const { agentDir, appsDir, buildDir, composeDir, sharedDir, downloadsDir } = paths;
  await ensureOuter(agentDir, { mode: 0o755, adjust: withholdWriting });
  let isClosed = false;
  await ensureOuter(appsDir, {
    mode: closedMode,
    adjust: async (folder) => {
      isClosed = !await isSharedPlace(folder) && await closeFolder(folder);
      if (!isClosed) log.warn("Other users of the device may see the data of apps", { path: appsDir });
    },
  });
  await ensureInner(buildDir, { mode: closedMode, adjust: closeFolder, log });
  await ensureInner(composeDir, { mode: closedMode, adjust: closeFolder, log });
  const shared = isClosed ? { mode: openMode, adjust: openFolder } : { mode: 0o755, adjust: withholdWriting };
  await ensureInner(sharedDir, { ...shared, log });
  await ensureInner(downloadsDir, { mode: closedMode, adjust: closeFolder, log });
}

interface FolderRights {
  /** Of a new folder. */
  mode: number;
  /** Corrects an existing one. */
  adjust(folder: HeldFolder): Promise<unknown>;
}

/** A folder that a flag names: links to it are the operator's. */
async function ensureOuter(path: string, { mode, adjust }: FolderRights): Promise<void> {
  await withFolderError(path, async () => {
    makeFolderSync(path, { mode });
    await using folder = await HeldFolder.open(path);
    if (folder !== undefined) await adjust(folder);
  });
}

/** A folder in one that only the agent's user can change by now. What strangers have left in its place is removed. */
async function ensureInner(path: string, { mode, adjust, log }: FolderRights & { log: Log }): Promise<void> {
  await withFolderError(path, async () => {
    await using parent = await HeldFolder.open(folderOf(path));
    const name = fileNameOf(path);
    const there = await parent?.look(name);
    const isOwn = there?.uid === undefined || there.uid === Deno.uid();
    if (there?.isLink && isOwn && (await Deno.stat(path)).isDirectory) return;
    if (there !== undefined && !there.isDirectory && !isOwn) {
      log.warn("Removed what another user has put in the place of a folder", { path });
      await parent?.remove(name);
    }
    await using folder = await parent?.ensureFolder(name, { mode });
    if (folder !== undefined) await adjust(folder);
  });
}

async function withholdWriting(folder: HeldFolder): Promise<void> {
  const { uid, mode } = await folder.info();
  if (mode !== undefined && uid === Deno.uid() && (mode & 0o1000) === 0) await folder.setMode(mode & 0o7755);
}

/** Folders such as `/srv` and `/tmp` belong to the device, not to the agent. */
async function isSharedPlace(folder: HeldFolder): Promise<boolean> {
  const { mode = 0 } = await folder.info();
  const isTop = Deno.build.os !== "windows" && /^\/[^/]*$/.test(await Deno.realPath(folder.path));
  return isTop || (mode & 0o1000) !== 0;
}

async function withFolderError(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new AgentError("io_failed", `Cannot create the folder "${path}"`, { cause: error });
  }
}

/** Machine-wide, whatever the flags say. */
function sharedLockOf(machine: { os: string; programData?: string }): string {
  if (machine.os !== "windows") return "/tmp/ironflock-reagent.lock";
  return `${machine.programData ?? "C:\\ProgramData"}\\ironflock-reagent.lock`;
}
