/** What programs on the device may learn from the parts of the agent. */

import type { AppLogs } from "../app_logs/app_logs.ts";
import type { Apps } from "../apps/apps.ts";
import { AgentError } from "../base/errors.ts";
import { ownRegistries } from "../config/derived.ts";
import type { DiskSpace } from "../disk_space/disk_space.ts";
import type { AppFacts } from "../local/agent_facts.ts";
import type { LocalDeps } from "../local/dependencies.ts";
import type { SelfUpdate } from "../self_update/self_update.ts";
import { agentVersion } from "../version.ts";
import type { Site } from "./site.ts";

/** The areas that it asks. */
export interface LocalAreas {
  apps: Apps;
  appLogs: AppLogs;
  diskSpace: DiskSpace;
  selfUpdate: SelfUpdate;
}

/** What the area for local questions is created with. */
export function localDeps(site: Site, areas: LocalAreas): LocalDeps {
  const { foundation: { options: { paths, flags }, config, engine, engineEnvironment, clock, ...foundation } } = site;
  const { link } = site.connection;
  const { apps, appLogs, diskSpace, selfUpdate } = areas;
  return {
    agentDir: paths.agentDir,
    version: agentVersion,
    paths: { config: flags.config, database: paths.dbFile, log: paths.logFile, apps: paths.appsDir },
    device: () => {
      const { name, serialNumber, endpointUrl } = config.current;
      return { name, serialNumber, endpointUrl };
    },
    connection: () => ({
      isOffline: flags.offline,
      connectedAtMs: link?.connectedAt(),
      heardAtMs: link?.lastTrafficAt(),
    }),
    isEngineAvailable: (signal) => engine.isAvailable(signal),
    engineRoot: (signal) => engine.dataRoot(signal),
    engineEnvironment: Object.fromEntries(
      Object.entries(engineEnvironment).flatMap(([name, value]) => value === undefined ? [] : [[name, value]]),
    ),
    listApps: () => apps.list().map(appFacts),
    folders: [paths.agentDir, paths.appsDir],
    isEmergency: () => diskSpace.isEmergency,
    problems: foundation.lastProblems,
    lastUpdate: () => selfUpdate.lastUpdate(),
    checkRegistry: (signal) => checkRegistry(site, areas, signal),
    readHistory: (channel, signal) => appLogs.readHistory(channel, signal),
    clock,
  };
}

function appFacts({ id, appName, version, state, target, containers }: ReturnType<Apps["list"]>[number]): AppFacts {
  return {
    name: appName,
    stage: id.stage,
    appKey: id.appKey,
    version,
    state,
    target,
    container: containers[0]?.containerName ?? "",
  };
}

/** With a token for whoever has last asked for an app, as a download would. */
async function checkRegistry(
  { foundation: { config, engine }, connection: { backend } }: Site,
  { apps }: LocalAreas,
  signal: AbortSignal,
): Promise<string> {
  const [host = ""] = ownRegistries(config.current);
  const account = apps.list().map(({ requestorAccountKey }) => requestorAccountKey).find((key) => key > 0);
  if (account === undefined) throw new AgentError("not_available", "No app has been installed from Studio yet");
  const token = await backend.getRegistryToken(account, signal);
  if (token === "") throw new AgentError("not_available", "Studio has no login for the registry");
  await engine.checkLogin({ host, user: token, password: config.current.secret }, signal);
  return host;
}
