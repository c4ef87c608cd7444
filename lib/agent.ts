/** Runs an agent: opens what it stands on, connects its areas, waits for an end, and ends them in reverse order. */

import { type AgentOptions, type Foundation, openFoundation } from "./agent/foundation.ts";
import { type Areas, createAreas } from "./agent/areas.ts";
import { startWithEngine } from "./agent/engine_start.ts";
import { exitCodeOf } from "./agent/exit_code.ts";
import { keepHeapSmall } from "./agent/idle_gc.ts";
import { runOnConnect } from "./agent/on_connect.ts";
import { StartTimes } from "./agent/start_times.ts";
import { containErrors } from "./agent/uncaught_errors.ts";
import { systemClock as clock } from "./async/clock.ts";
import { untilAborted } from "./async/deadline.ts";
import { isCanceled } from "./base/errors.ts";
import { type AgentLog, openLog } from "./log/log.ts";
import type { OnSession } from "./wamp/session_runs.ts";

/** Runs an agent until it is stopped or cannot go on, and returns its exit code. Never throws. */
export async function runAgent(options: AgentOptions): Promise<number> {
  const times = new StartTimes(clock);
  await using agentLog = openAgentLog(options);
  using _contained = containErrors(agentLog.log);
  times.mark("log");
  try {
    await using stack = new AsyncDisposableStack();
    const foundation = await openFoundation(options, { agentLog, times, clock, stack });
    const onSession: OnSession = (session, run) => connectAreas({ foundation, areas }, session, run);
    // The link calls `onSession` only once it is started.
    const areas: Areas = createAreas(foundation, { onSession, stack });
    return await runAreas(foundation, areas, stack);
  } catch (error) {
    if (isCanceled(error) && options.stop.aborted) return 0;
    agentLog.log.fatal("The agent cannot go on", { error });
    return 1;
  }
}

function openAgentLog({ flags, paths, warnings, stdout, stderr }: AgentOptions): AgentLog {
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
  for (const warning of warnings) agentLog.log.warn(warning);
  return agentLog;
}

async function connectAreas(
  { foundation, areas }: { foundation: Foundation; areas: Areas },
  ...[session, { isReconnect, signal }]: Parameters<OnSession>
): Promise<void> {
  const { log, times, announce } = foundation;
  const { link, status, appLogs, tunnels, local, connectSteps } = areas;
  times.mark("connection");
  announce(isReconnect ? "Connected again" : "Connected");
  status.restartHeartbeat();
  signal.addEventListener("abort", () => appLogs.detach(link?.lastTrafficAt()), { once: true });
  await runOnConnect(
    {
      steps: connectSteps,
      status,
      onBooted: () => {
        announceStart(foundation);
        tunnels.start();
        local.start();
      },
      reconnect: (reason) => link?.reconnect(reason),
      clock,
      random: Math.random,
      log,
    },
    session,
    signal,
  );
}

/** How long the parts of the first start took, once. */
function announceStart({ times, announce }: Foundation): void {
  if (times.has("boot")) return;
  times.mark("boot");
  for (const line of times.lines()) announce(line);
}

/** Starts the areas and waits for an end. Returns the exit code. */
async function runAreas(foundation: Foundation, areas: Areas, stack: AsyncDisposableStack): Promise<number> {
  const { options: { stop }, restart, config, log, announce } = foundation;
  const { link, terminals } = areas;
  startAreas(foundation, areas, stack);
  const restarting = restart.promise.then(() => ({ kind: "restart" } as const));
  if (link === undefined) {
    announce("Offline: apps run, and nothing is connected");
    await startSupervision(foundation, areas, stack);
    return await Promise.race([restarting, untilAborted(stop)]) === undefined ? 0 : 1;
  }
  stack.defer(() => link.stop());
  // Their viewers are told.
  stack.use(terminals);
  if (!stop.aborted) {
    announce(`Connecting to ${config.current.endpointUrl}`);
    link.start();
  }
  await startSupervision(foundation, areas, stack);
  const end = await Promise.race([link.ended, restarting, untilAborted(stop)]);
  log.info("The agent ends", { why: end?.kind ?? "it was asked to" });
  // As with every end that a supervisor is to follow by a start.
  if (end?.kind === "restart") return 1;
  return end === undefined ? 0 : exitCodeOf(end.kind, { log, announce, serialNumber: config.current.serialNumber });
}

/**
 * Where systemd waits for it, reports that the agent is ready: everything runs, and the link registers the procedures
 * as soon as there is a network. A device without network or engine is ready, too; to start again would not help it.
 */
async function startSupervision(
  { database, options: { paths }, clock, log }: Foundation,
  { link }: Areas,
  stack: AsyncDisposableStack,
): Promise<void> {
  const address = Deno.env.get("NOTIFY_SOCKET");
  if (!address) return;
  const { superviseAgent } = await import("./agent/supervision.ts");
  const supervision = superviseAgent({
    address,
    watchdogMicroseconds: Deno.env.get("WATCHDOG_USEC"),
    folders: ["/run", paths.agentDir, "/tmp"],
    checkHealth: () => void database.first("SELECT count(*) FROM sqlite_schema"),
    describe: () => link === undefined ? "Offline" : link.isConnected ? "Connected" : "Not connected",
    clock,
    log,
  });
  stack.use(supervision);
}

function startAreas(foundation: Foundation, areas: Areas, stack: AsyncDisposableStack): void {
  const { engine, log, times, announce } = foundation;
  const { apps, diskSpace, status: { reportSoon: onCome }, terminals, network, local } = areas;
  const life = new AbortController();
  const onLate = () => announce("The container engine does not answer yet; the device can be reached all the same");
  diskSpace.start();
  areas.selfUpdate.start();
  network.start();
  local.startLater();
  const starting = startWithEngine({ engine, disk: diskSpace, apps, onLate, onCome, clock, log }, life.signal).then(
    async () => {
      times.mark("container engine");
      await terminals.endLeft();
    },
    // Only the end of the agent ends it.
    (error) => log.debug("The start with the container engine was interrupted", { error }),
  );
  const collecting = keepHeapSmall(clock, life.signal);
  stack.defer(async () => {
    life.abort();
    await Promise.all([starting, collecting]);
  });
}
