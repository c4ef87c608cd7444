/** Connects the areas, in the order of the layers. The only place that knows which areas there are. */

import { type AppLogs, type ChannelContainer, createAppLogs } from "../app_logs/app_logs.ts";
import { type Apps, createApps } from "../apps/apps.ts";
import { cachedRead } from "../async/cached_read.ts";
import { singleFlight } from "../async/single_flight.ts";
import { createBackend } from "../backend/backend.ts";
import { deviceUri, networkChangeTopic } from "../backend/uris.ts";
import type { ConnectStep } from "../backend/connect_step.ts";
import { createLazyBus } from "../dbus/dbus.ts";
import { createDiskSpace, type DiskSpace } from "../disk_space/disk_space.ts";
import { effectiveCaller } from "../handlers/caller.ts";
import type { Device } from "../handlers/device.ts";
import { registerStep } from "../handlers/register.ts";
import { readInterfaces, readLanAddress } from "../host/addresses.ts";
import { watchNvidiaGpu } from "../host/gpu.ts";
import { readOsInfo } from "../host/os_info.ts";
import { powerCommands, runPowerAction } from "../host/power.ts";
import { PowerScheduler } from "../host/power_scheduler.ts";
import { readIdleMark } from "../host/process_idle.ts";
import { handlesSignal } from "../host/process_signals.ts";
import { StatsReader } from "../host/stats.ts";
import type { Local } from "../local/local.ts";
import { createNetwork, type Network } from "../network/network.ts";
import { ownLogQueries } from "../log/own_log_queries.ts";
import { createOsUpdate, type OsUpdate, systemUpdatePaths } from "../os_update/os_update.ts";
import { createSelfUpdate, type SelfUpdate } from "../self_update/self_update.ts";
import { createStatus, type Status } from "../status/status.ts";
import { type AppTunnels, createAppTunnels } from "../tunnels/app_tunnels.ts";
import { createTerminals, type Terminals } from "../terminals/terminals.ts";
import { createTunnels, type Tunnels } from "../tunnels/tunnels.ts";
import { agentVersion, buildArch } from "../version.ts";
import { Link } from "../wamp/link.ts";
import { readProxySettings } from "../wamp/proxy.ts";
import type { OnSession } from "../wamp/session_runs.ts";
import { offlineWire } from "../wamp/wire.ts";
import { caBundleStep } from "./ca_bundle_step.ts";
import { collectGarbage } from "./idle_gc.ts";
import { identityStep, metadataStep } from "./device_steps.ts";
import type { Foundation } from "./foundation.ts";
import { localOf } from "./local_area.ts";
import { deviceLinkOptions } from "./link_options.ts";
import type { Site, StudioConnection } from "./site.ts";
import { osUpdateReports, progressPublisher, reasonToWait, selfUpdateCalls } from "./update_calls.ts";

/** Of each kind, for callers: on a slow engine they do not queue behind each other, and leave most places free. */
const listsAtOnce = 4;

/** Below the prefix of the device. */
const tunnelTopic = "tunnel_state_update/onreload";

/** How old the address in the local network may be; reading it takes 1.6 ms. */
const lanAddressAgeMs = 500;

/** What the agent runs. */
export interface Areas extends StudioConnection {
  diskSpace: DiskSpace;
  status: Status;
  appLogs: AppLogs;
  apps: Apps;
  terminals: Terminals;
  tunnels: Tunnels;
  selfUpdate: SelfUpdate;
  network: Network;
  local: Local;
  /** What the areas do after every connect. */
  connectSteps: ConnectStep[];
}

/** What an update of the operating system has to look at. */
interface OsUpdateAreas {
  apps: Apps;
  diskSpace: DiskSpace;
  selfUpdate: SelfUpdate;
}

/** Creates all areas; nothing runs yet, and what has to be ended goes onto `stack`. */
export function createAreas(
  foundation: Foundation,
  { onSession, stack }: { onSession: OnSession; stack: AsyncDisposableStack },
): Areas {
  const { options, config, clock, log } = foundation;
  const connection = connectionOf(foundation, onSession);
  const bus = stack.use(createLazyBus({ address: Deno.env.get("DBUS_SYSTEM_BUS_ADDRESS"), clock, log }));
  const site: Site = { foundation, connection, bus, stack };
  const stats = new StatsReader();
  const diskSpace: DiskSpace = diskSpaceOf(site, () => apps);
  const tunnels = tunnelsOf(site);
  const appTunnels = stack.use(appTunnelsOf(site, { tunnels, apps: () => apps }));
  const status = statusOf(site, { stats, diskSpace, tunnels, apps: () => apps });
  const appLogs = appLogsOf(site, () => apps);
  const apps: Apps = appsOf(site, { appLogs, status, diskSpace, appTunnels });
  stack.use(diskSpace);
  stack.use(status);
  const terminals = terminalsOf(site);
  const network = networkOf(site);
  const selfUpdate: SelfUpdate = selfUpdateOf(site, { apps, status, osUpdate: () => osUpdate });
  const osUpdate: OsUpdate = osUpdateOf(site, { apps, diskSpace, selfUpdate });
  const device = deviceOf(site, { apps, appLogs, diskSpace, stats, terminals, network, selfUpdate, osUpdate, tunnels });
  const { backend } = connection;
  const life = new AbortController();
  stack.defer(() => life.abort());
  const connectSteps = [
    ...network.connectSteps,
    identityStep({ config, backend }),
    ...appLogs.connectSteps,
    ...apps.connectSteps,
    ...terminals.connectSteps,
    registerStep(device, { clock, life: life.signal }),
    stack.use(caBundleStep({ paths: options.paths, config, clock, log })),
    metadataStep({ backend }),
    ...selfUpdate.connectSteps,
    ...osUpdate.connectSteps,
  ];
  foundation.telemetry?.observe(async () => (await import("./measures.ts")).readMeasures(site, apps));
  const local = localOf(site, { apps, appLogs, diskSpace, selfUpdate });
  const areas = { diskSpace, status, appLogs, apps, terminals, tunnels, network, selfUpdate, local };
  return { ...connection, ...areas, connectSteps };
}

function connectionOf(foundation: Foundation, onSession: OnSession): StudioConnection {
  const { options: { flags }, config, clock, log, traceWire } = foundation;
  const trace = flags.debugMessaging && flags.debug ? traceWire : undefined;
  const options = () => deviceLinkOptions({ config, flags, onSession, clock, log, trace });
  const link = flags.offline ? undefined : new Link(options());
  const wire = link ?? offlineWire();
  return { link, wire, backend: createBackend(wire, () => config.current) };
}

/** Ended before the apps, which it calls. */
function diskSpaceOf({ foundation, connection }: Site, apps: () => Apps): DiskSpace {
  const { options: { paths }, engine, engineEnvironment, config, clock, log } = foundation;
  return createDiskSpace({
    engine,
    env: engineEnvironment,
    paths,
    config: () => config.current,
    backend: connection.backend,
    isConnected: () => connection.wire.isConnected,
    listApps: () => apps().diskUses(),
    keptVolumes: () => apps().keptVolumes(),
    onChange: (isEmergency) => isEmergency || apps().resume(),
    os: Deno.build.os,
    clock,
    log,
  });
}

function statusOf(
  { foundation: { engine, config, clock, log }, connection: { wire, link, backend } }: Site,
  areas: { stats: StatsReader; diskSpace: DiskSpace; tunnels: Tunnels; apps: () => Apps },
): Status {
  return createStatus({
    backend,
    readStats: () => areas.stats.read(),
    isEngineAvailable: (signal) => engine.isAvailable(signal),
    tunnelCapable: () => areas.tunnels.isCapable(),
    isEmergency: () => areas.diskSpace.isEmergency,
    adoptUpdateUrl: (updateUrl) => config.adoptUpdateUrl(updateUrl),
    isConnected: () => wire.isConnected,
    lastTrafficAt: () => link?.lastTrafficAt(),
    reconnect: (reason) => link?.reconnect(reason),
    onHeartbeat: () => areas.apps().sendMissed(),
    clock,
    log,
  });
}

function appLogsOf({ foundation, connection: { wire, link, backend }, stack }: Site, apps: () => Apps): AppLogs {
  const { options: { paths }, config, engine, database, clock, log } = foundation;
  return stack.use(
    createAppLogs({
      serialNumber: config.current.serialNumber,
      engine,
      database,
      publish: (topic, payload) => wire.publish(topic, [payload]),
      isConnected: () => wire.isConnected,
      waitingBytes: () => link?.waitingBytes() ?? 0,
      match: (topic) => backend.matchSubscription(topic),
      positionsDir: paths.logPositionsDir,
      containersToFollow: () => containersToFollow(apps()),
      clock,
      random: Math.random,
      log,
    }),
  );
}

function appsOf(
  { foundation, connection: { backend, wire }, stack }: Site,
  areas: { appLogs: AppLogs; status: Status; diskSpace: DiskSpace; appTunnels: AppTunnels },
): Apps {
  const { options: { paths, flags }, config, engine, engineEnvironment, database, isRebuilt } = foundation;
  const { hideSecret, hideSecretsOf, telemetry, clock, log } = foundation;
  const { appLogs, status, diskSpace, appTunnels } = areas;
  const { arch, variant } = buildArch();
  // Each app of a reconcile asks for it.
  const lanAddress = cachedRead(readLanAddress, { forMs: lanAddressAgeMs, clock });
  return stack.use(
    createApps({
      ...{ engine, backend, database, isRebuilt, hideSecret, hideSecretsOf, readIdleMark, clock, log },
      handlesSignal,
      appLogs,
      tunnels: appTunnels,
      config: () => config.current,
      surroundings: () => ({ lanAddress: lanAddress(), baseUrl: status.baseUrl }),
      appsDir: paths.appsDir,
      uploadExtension: flags.compressedBuildExtension,
      dockerConfigDir: paths.dockerConfigDir,
      engineEnvironment,
      buildDir: paths.buildDir,
      collectGarbage,
      composeDir: paths.composeDir,
      checkFile: (file) => diskSpace.checkFile(file),
      sharedDir: paths.sharedDir,
      caBundleFile: paths.caBundleFile,
      proxies: readProxySettings(Deno.env),
      arch: arch + variant,
      hasGpu: watchNvidiaGpu(clock),
      ...telemetry === undefined ? {} : { recorder: telemetry },
      isEmergency: () => diskSpace.isEmergency,
      isConnected: () => wire.isConnected,
      checkPull: (pull) => diskSpace.checkPull(pull),
      onEngineChange: () => status.reportSoon(),
      random: Math.random,
    }),
  );
}

/** Ended after the apps, which call it. */
function appTunnelsOf(
  { foundation: { config, database, clock, log }, connection: { backend } }: Site,
  { tunnels, apps }: { tunnels: Tunnels; apps: () => Apps },
): AppTunnels {
  return createAppTunnels({
    tunnels,
    backend,
    database,
    deviceKey: () => config.current.deviceKey,
    resync: (app) => apps().syncPorts(app),
    clock,
    log,
  });
}

/** Ended while there is still a connection: see `agent.ts`. */
function terminalsOf({ foundation, connection: { backend, wire, link } }: Site): Terminals {
  const { options: { paths }, config, engine, clock, log } = foundation;
  return createTerminals({
    serialNumber: config.current.serialNumber,
    engine,
    wire,
    callerOf: (invocation) => effectiveCaller(invocation.callerAuthid, invocation),
    match: (topic, signal) => backend.matchSubscription(topic, signal),
    lastTrafficAt: () => link?.lastTrafficAt(),
    openShellsFile: paths.openShellsFile,
    clock,
    log,
  });
}

/** The program that runs the client comes inside the executable, or next to the launcher or what was built. */
function tunnelsOf({ foundation, connection: { wire }, stack }: Site): Tunnels {
  const { options: { paths }, config, hideSecret, clock, log } = foundation;
  const topic = deviceUri(config.current.serialNumber, tunnelTopic);
  return stack.use(
    createTunnels({
      site: () => config.current,
      paths: { agentDir: paths.agentDir, ...paths.tunnelClient },
      sources: ["./", "./build/"].map((folder) => new URL(folder, Deno.mainModule)),
      environment: Deno.env,
      os: Deno.build.os,
      publish: (states) => wire.publish(topic, [...states]),
      hideSecret,
      clock,
      random: Math.random,
      log,
    }),
  );
}

function networkOf({ foundation, connection: { wire, link }, bus, stack }: Site): Network {
  const { options: { paths, flags }, config, clock, log } = foundation;
  const topic = deviceUri(config.current.serialNumber, networkChangeTopic);
  return stack.use(
    createNetwork({
      bus,
      readInterfaces: cachedRead(readInterfaces, { forMs: 100, clock }),
      isManaged: flags.nmw && Deno.build.os === "linux",
      changeFile: paths.networkChangeFile,
      reconnect: link === undefined ? undefined : (reason) => link.reconnect(reason),
      isConnected: () => wire.isConnected,
      publish: (outcome) => wire.publish(topic, [outcome], { acknowledge: true }),
      clock,
      log,
    }),
  );
}

function selfUpdateOf(
  { foundation, connection: { wire }, stack }: Site,
  { apps, status, osUpdate }: Pick<Areas, "apps" | "status"> & { osUpdate: () => OsUpdate },
): SelfUpdate {
  const { options: { paths, flags, stop }, config, engine, restart, clock, log } = foundation;
  const { arch, variant } = buildArch();
  return stack.use(
    createSelfUpdate({
      config: () => config.current,
      updateUrl: flags.remoteUpdateURL,
      checksAtStart: flags.update,
      version: agentVersion,
      os: Deno.build.os,
      arch: arch + variant,
      paths,
      unsettledApps: () => apps.unsettled(),
      isSystemUpdating: () => osUpdate().isInstalling,
      environment: Deno.env,
      own: {
        isConnected: () => wire.isConnected && !status.isBooting,
        hasEngine: (signal) => engine.isAvailable(signal),
        restart: restart.resolve,
        isEndAsked: () => stop.aborted,
      },
      random: Math.random,
      clock,
      log,
    }),
  );
}

function osUpdateOf({ foundation, connection: { wire }, bus, stack }: Site, areas: OsUpdateAreas): OsUpdate {
  const { options: { paths }, config, clock, log } = foundation;
  return stack.use(
    createOsUpdate({
      ...osUpdateReports(progressPublisher(wire, config.current.serialNumber)),
      paths: systemUpdatePaths,
      recordFile: paths.osUpdateFile,
      bus,
      reasonToWait: () => reasonToWait({ apps: areas.apps.unsettled(), isAgentUpdating: areas.selfUpdate.isUpdating }),
      reserveBytes: (folder) => areas.diskSpace.reserveBytes(folder),
      clock,
      log,
    }),
  );
}

/** Apps that are stopped or gone have no container whose log could be followed. */
function containersToFollow(apps: Apps): ChannelContainer[] {
  const isStopped = (state: string) => ["PRESENT", "REMOVED", "UNINSTALLED"].includes(state);
  return apps.list().filter(({ state }) => !isStopped(state))
    .flatMap(({ containers }) => containers);
}

function deviceOf(
  { foundation, connection: { backend, wire }, stack }: Site,
  { apps, appLogs, diskSpace, stats, terminals, network, selfUpdate, osUpdate, tunnels }:
    & Pick<Areas, "apps" | "appLogs" | "diskSpace" | "terminals" | "network">
    & { stats: StatsReader; selfUpdate: SelfUpdate; osUpdate: OsUpdate; tunnels: Tunnels },
): Device {
  const { options: { paths }, config, engine, telemetry, clock, log } = foundation;
  const commands = powerCommands(Deno.build.os);
  const power = stack.use(
    new PowerScheduler({ run: (action, signal) => runPowerAction(action, { commands, signal }), clock, log }),
  );
  // On some systems it takes a process.
  const readSharedOsInfo = singleFlight(readOsInfo);
  const { serialNumber } = config.current;
  const publish = progressPublisher(wire, serialNumber);
  return {
    serialNumber,
    checkPrivilege: (question, signal) => backend.checkPrivilege(question, signal),
    apps,
    diskSpace,
    // Many callers must not keep the agent's own work from the engine, which takes few calls at a time.
    engine: {
      listImages: singleFlight((signal) => engine.listImages(signal), { atOnce: listsAtOnce }),
      listContainersRaw: singleFlight((signal) => engine.listContainersRaw(signal), { atOnce: listsAtOnce }),
    },
    host: {
      readMetadata: async (signal) => ({ os: await readSharedOsInfo(signal), ...buildArch(), version: agentVersion }),
      readStats: () => stats.read(),
      schedulePower: (action) => power.schedule(action),
      wall: () => clock.wall(),
    },
    logs: {
      readHistory: (channel, signal) => appLogs.readHistory(channel, signal),
      query: (query, signal) => appLogs.query(query, signal),
      queryOwn: ownLogQueries(paths.logFile),
    },
    osUpdate,
    network,
    selfUpdate: selfUpdateCalls(selfUpdate, publish),
    terminals,
    tunnels,
    ...telemetry === undefined ? {} : { recorder: telemetry },
    log,
  };
}
