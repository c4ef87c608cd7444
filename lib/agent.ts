/** The composition root: builds the parts of the agent in order, runs them, and ends them in the reverse order. */

import { DataFolder } from "./apps/container/data_folder.ts";
import { Apps } from "./apps/apps.ts";
import { probePort } from "./apps/container/port_probe.ts";
import { systemClock as clock } from "./async/clock.ts";
import { AgentError, isCanceled } from "./base/errors.ts";
import { cachedRead } from "./async/cached_read.ts";
import type { Log } from "./base/log.ts";
import { singleFlight } from "./async/single_flight.ts";
import { containErrors } from "./agent/uncaught_errors.ts";
import { deviceLinkOptions } from "./agent/link_options.ts";
import { createDiskSpace, type DiskSpace } from "./disk_space/disk_space.ts";
import { startWithEngine } from "./agent/engine_start.ts";
import { keepHeapSmall } from "./agent/idle_gc.ts";
import { exitCodeOf } from "./agent/exit_code.ts";
import { runOnConnect } from "./agent/on_connect.ts";
import { StartTimes } from "./agent/start_times.ts";
import { ConfigFile } from "./config.ts";
import { engineEndpoint, type EngineEnvironment, engineVariables } from "./docker/endpoint.ts";
import { Engine } from "./docker/engine.ts";
import type { Flags } from "./flags.ts";
import { createHandler } from "./handlers/dispatch.ts";
import type { HandlerParts } from "./handlers/device.ts";
import { registerProcedures } from "./handlers/register.ts";
import { procedures } from "./handlers/procedures.ts";
import { readInterfaces, readLanAddress } from "./host/addresses.ts";
import { runCommand } from "./host/command.ts";
import { StatsReader } from "./host/stats.ts";
import { watchNvidia } from "./host/gpu.ts";
import { readOsInfo } from "./host/os_info.ts";
import { powerCommands, runPowerAction } from "./host/power.ts";
import { readIdleMark } from "./host/process_idle.ts";
import { type AgentLog, type AgentLogOptions, openLog } from "./log/log.ts";
import { type AppLogs, createAppLogs } from "./app_logs/app_logs.ts";
import { createFolders, type Paths } from "./paths.ts";
import { startProfiling } from "./profiling.ts";
import type { Database } from "./store/database.ts";
import { openOrReplace } from "./store/recovery.ts";
import { createStatus, type Status } from "./status/status.ts";
import { PowerActions } from "./host/power_actions.ts";
import { createSelfUpdate } from "./self_update/self_update.ts";
import { agentVersion, buildArch } from "./version.ts";
import { type Backend, createBackend } from "./backend/backend.ts";
import { Link, offlineWire, type OnSession, type Wire } from "./wamp/link.ts";

/** What an agent runs on. */
export interface AgentOptions {
  flags: Flags;
  paths: Paths;
  /** Ends the agent in order. */
  stop: AbortSignal;
  /** Takes lines for the operator. */
  stdout: AgentLogOptions["stdout"];
  /** Takes the reason of an end with exit code 1. */
  stderr: AgentLogOptions["stderr"];
}

/** What everything else stands on. */
interface Ground {
  options: AgentOptions;
  log: Log;
  /** `isKept`: for good, not just as one of the newest. */
  hideSecret(text: string, options?: { isKept?: boolean }): void;
  traceWire: AgentLog["traceWire"];
  config: ConfigFile;
  database: Database;
  /** What was stored was lost, and Studio has not said since what it wants. */
  isRebuilt: boolean;
  engine: Engine;
  /** Where the engine is. */
  env: EngineEnvironment;
  times: StartTimes;
  /** Tells the operator something: on standard output, or in the pretty log. */
  tell(line: string): void;
}

/** The parts that talk to Studio and do what it wants. */
interface Works {
  link: Link | undefined;
  wire: Wire;
  backend: Backend;
  apps: Apps;
  logs: AppLogs;
  status: Status;
  disk: DiskSpace;
  handlerParts: HandlerParts;
  /** Secret. */
  keys: { appCredKey: string | undefined };
}

/** Runs an agent until it is stopped or cannot go on, and gives its exit code. Never throws. */
export async function runAgent(options: AgentOptions): Promise<number> {
  const times = new StartTimes(clock);
  await using agentLog = openAgentLog(options);
  using _contained = containErrors(agentLog.log);
  times.mark("log");
  try {
    await using stack = new AsyncDisposableStack();
    const ground = await layGround(options, { agentLog, times }, stack);
    return await runWorks(ground, assemble(ground, stack), stack);
  } catch (error) {
    if (isCanceled(error) && options.stop.aborted) return 0;
    agentLog.log.fatal("The agent cannot go on", { error });
    return 1;
  }
}

function openAgentLog({ flags, paths, stdout, stderr }: AgentOptions): AgentLog {
  const agentLog = openLog({
    path: paths.logFile,
    isDebug: flags.debug,
    isPretty: flags.prettyLogging,
    isColored: !Deno.env.get("NO_COLOR"),
    clock,
    stdout,
    stderr,
  });
  agentLog.log.debug("Command line", { ...flags });
  return agentLog;
}

async function layGround(
  options: AgentOptions,
  begun: { agentLog: AgentLog; times: StartTimes },
  stack: AsyncDisposableStack,
): Promise<Ground> {
  const { flags, paths } = options;
  const { agentLog, times } = begun;
  const { log } = agentLog;
  const hideSecret: Ground["hideSecret"] = (text, kind) => agentLog.hideSecret(text, kind);
  const tell = (line: string) => agentLog.announce(line);
  const { arch, variant } = buildArch();
  tell(`Reagent ${agentVersion} starts on ${Deno.build.os} ${arch}${variant}`);
  if (flags.profiling) {
    const profiling = await startProfiling({ port: flags.profilingPort, log, metrics: () => ({}) });
    if (profiling !== undefined) stack.use(profiling);
  }
  await createFolders(paths);
  const config = await ConfigFile.open(flags.config, { log });
  hideSecret(config.current.secret, { isKept: true });
  hideSecret(config.current.authentication.key, { isKept: true });
  times.mark("config");
  const { database, isRebuilt } = openOrReplace(paths.dbFile, { log, now: clock.wall() });
  stack.use(database);
  times.mark("database");
  const env = Object.fromEntries(engineVariables.map((name) => [name, Deno.env.get(name)]));
  // Settings that cannot be understood are a mistake of who set up the device; an engine that is away is not.
  engineEndpoint(env, Deno.build.os);
  return {
    options,
    log,
    hideSecret,
    traceWire: agentLog.traceWire,
    config,
    database,
    isRebuilt,
    engine: new Engine({ log, env }),
    env,
    times,
    tell,
  };
}

function assemble(ground: Ground, stack: AsyncDisposableStack): Works {
  const { options: { flags }, log, config, engine, database } = ground;
  // The link begins to call this only after everything is built.
  const link = flags.offline ? undefined : new Link(deviceLinkOptions({
    config,
    flags,
    onSession: (...run) => onSession(ground, works, run),
    clock,
    log,
    trace: flags.debugMessaging && flags.debug ? ground.traceWire : undefined,
  }));
  const wire = link ?? offlineWire();
  const backend = createBackend(wire, () => config.current);
  const keys: Works["keys"] = { appCredKey: undefined };
  const stats = new StatsReader();
  const disk: DiskSpace = createDiskSpace({
    ...ground,
    paths: ground.options.paths,
    config: () => config.current,
    backend,
    isConnected: () => wire.isConnected,
    listApps: () => apps.diskUses(),
    onChange: (isEmergency) => isEmergency || apps.resume(),
    os: Deno.build.os,
    clock,
  });
  const status = createStatus({
    backend,
    readStats: () => stats.read(),
    tunnelCapable: () => false,
    isEmergency: () => disk.isEmergency,
    isConnected: () => wire.isConnected,
    lastTrafficAt: () => link?.lastTrafficAt(),
    reconnect: (reason) => link?.reconnect(reason),
    onHeartbeat: () => apps.sendMissed(),
    clock,
    log,
  });
  const logs = stack.use(
    createAppLogs({
      serialNumber: config.current.serialNumber,
      engine,
      database,
      publish: (topic, payload) => wire.publish(topic, [payload]),
      isConnected: () => wire.isConnected,
      waitingBytes: () => link?.waitingBytes() ?? 0,
      match: (topic) => backend.matchSubscription(topic),
      clock,
      random: Math.random,
      log,
    }),
  );
  const apps: Apps = stack.use(createApps(ground, { backend, logs, status, keys, disk }));
  stack.use(disk);
  stack.use(status);
  const handlerParts = createHandlerParts(ground, { backend, apps, logs, stats, stack });
  const works: Works = { link, wire, backend, apps, logs, status, disk, handlerParts, keys };
  return works;
}

function createApps(
  ground: Ground,
  parts: { backend: Backend; logs: AppLogs; status: Status; keys: Works["keys"]; disk: DiskSpace },
): Apps {
  const { options: { paths }, config, engine, database, isRebuilt, hideSecret, log } = ground;
  const { backend, logs, status, keys, disk } = parts;
  const { arch, variant } = buildArch();
  return new Apps({
    engine,
    backend,
    database,
    appLog: logs,
    config: () => config.current,
    surroundings: () => ({ lanAddress: readLanAddress(), baseUrl: status.baseUrl, appCredKey: keys.appCredKey }),
    folderOf: (app) => new DataFolder({ appsDir: paths.appsDir }, app),
    sharedDir: paths.sharedDir,
    arch: arch + variant,
    hasGpu: watchNvidia(clock),
    readIdleMark,
    isPortFree: probePort,
    isRebuilt,
    hideSecret,
    isEmergency: () => disk.isEmergency,
    checkRoom: (pull) => disk.checkRoom(pull),
    clock,
    random: Math.random,
    log,
  });
}

function createHandlerParts(
  ground: Ground,
  parts: { backend: Backend; apps: Apps; logs: AppLogs; stats: StatsReader; stack: AsyncDisposableStack },
): HandlerParts {
  const { options: { flags }, config, engine, log } = ground;
  const { backend, apps, logs, stats, stack } = parts;
  const commands = powerCommands(Deno.build.os);
  const power = stack.use(
    new PowerActions({ run: (action, signal) => runPowerAction(action, { commands, signal }), clock, log }),
  );
  const selfUpdate = createSelfUpdate({ config: () => config.current, updateUrl: flags.remoteUpdateURL, clock });
  return {
    serialNumber: config.current.serialNumber,
    checkPrivilege: (question, signal) => backend.checkPrivilege(question, signal),
    requestAppState: (kwargs) => apps.request(kwargs),
    // Many callers must not keep the agent's own work from the engine, which takes few calls at a time.
    engine: {
      listImages: singleFlight((signal) => engine.listImages(signal)),
      listContainersRaw: singleFlight((signal) => engine.listContainersRaw(signal)),
      pruneDanglingImages: (signal) => engine.pruneDanglingImages(signal),
    },
    runCommand,
    readLogHistory: (channel, signal) => logs.readHistory(channel, signal),
    readStats: () => stats.read(),
    readInterfaces: cachedRead(readInterfaces, { forMs: 100, clock }),
    readAgentFacts: async (signal) => ({ os: await readOsInfo(signal), ...buildArch(), version: agentVersion }),
    tunnelCapable: () => false,
    readLatestVersion: () => selfUpdate.readLatestVersion(),
    schedulePower: (action) => power.schedule(action),
    wall: () => clock.wall(),
    log,
  };
}

async function onSession(ground: Ground, works: Works, run: Parameters<OnSession>): Promise<void> {
  const { config, log, times } = ground;
  const { backend, status, keys, handlerParts, logs, apps, link } = works;
  const [session, { isReconnect, signal }] = run;
  times.mark("connection");
  ground.tell(isReconnect ? "Connected again" : "Connected");
  status.restartHeartbeat();
  signal.addEventListener("abort", () => logs.detach(link?.lastTrafficAt()), { once: true });
  let rows = [...procedures];
  await runOnConnect(
    {
      config,
      backend,
      status: {
        beginBoot: () => status.beginBoot(),
        report: (limit) => status.report(limit),
        finishBoot: () => {
          status.finishBoot();
          tellStart(ground);
        },
      },
      keepAppCredKey: (key) => {
        ground.hideSecret(key);
        keys.appCredKey = key;
      },
      registerProcedures: async () => {
        const handlerOf = (row: typeof procedures[number]) => createHandler(row, handlerParts, clock);
        rows = await registerProcedures(session, rows, { serialNumber: config.current.serialNumber, handlerOf, log });
        if (rows.length > 0) throw new AgentError("call_failed", `The router refused ${rows.length} procedures`);
      },
      publishFacts: async (limit) => {
        const os = await readOsInfo(limit);
        await backend.updateDeviceArchitecture({ ...buildArch(), os, agentVersion }, limit);
      },
      attachLogs: () => logs.attach(session, channelsToFollow(apps)),
      reconcileApps: (limit, options) => apps.reconcileRemote(limit, options),
      reconnect: (reason) => link?.reconnect(reason),
      clock,
      random: Math.random,
      log,
    },
    session,
    signal,
  );
}

/** Apps at rest have no container whose log could be followed. */
function channelsToFollow(apps: Apps): string[] {
  const isAtRest = (state: string) => ["PRESENT", "REMOVED", "UNINSTALLED"].includes(state);
  return apps.list().filter(({ state }) => !isAtRest(state)).map(({ channel }) => channel);
}

/** The figures of the first start, once. */
function tellStart({ times, tell }: Ground): void {
  if (times.has("boot")) return;
  times.mark("boot");
  for (const line of times.lines()) tell(line);
}

/** Starts what was built and waits for an end. Gives the exit code. */
async function runWorks(ground: Ground, works: Works, stack: AsyncDisposableStack): Promise<number> {
  const { options: { stop }, engine, log, times, tell } = ground;
  const { link, apps, disk } = works;
  const life = new AbortController();
  const onLate = () => tell("The container engine does not answer yet; the device can be reached all the same");
  disk.start();
  const starting = startWithEngine({ engine, disk, apps, onLate, clock, log }, life.signal).then(
    () => times.mark("container engine"),
    // Only the end of the agent ends it.
    (error) => log.debug("The start with the container engine was cut short", { error }),
  );
  const collecting = keepHeapSmall(clock, life.signal);
  stack.defer(async () => {
    life.abort();
    await Promise.all([starting, collecting]);
  });
  if (link === undefined) {
    tell("Offline: apps run, and nothing is connected");
    await untilAborted(stop);
    return 0;
  }
  stack.defer(() => link.stop());
  if (!stop.aborted) {
    tell(`Connecting to ${ground.config.current.endpointUrl}`);
    link.start();
  }
  const end = await Promise.race([link.ended, untilAborted(stop)]);
  log.info("The agent ends", { why: end?.kind ?? "it was asked to" });
  return end === undefined ? 0 : exitCodeOf(end.kind, { ...ground, serialNumber: ground.config.current.serialNumber });
}

async function untilAborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
