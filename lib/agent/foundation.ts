/** What every area stands on: log, config, database and engine, opened in this order. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import { ConfigFile } from "../config.ts";
import { engineEndpoint, type EngineEnvironment, engineVariables } from "../docker/endpoint.ts";
import { Engine } from "../docker/engine.ts";
import { existsSync } from "../files/exists.ts";
import type { Flags } from "../flags.ts";
import type { AgentLog, AgentLogOptions } from "../log/log.ts";
import { createFolders, type Paths } from "../paths.ts";
import { startProfiling } from "../profiling.ts";
import type { Database } from "../store/database.ts";
import { openWithRecovery } from "../store/recovery.ts";
import { isExported } from "../telemetry/is_exported.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { agentVersion, buildArch } from "../version.ts";
import type { StartTimes } from "./start_times.ts";

/** How an agent is run. */
export interface AgentOptions {
  flags: Flags;
  paths: Paths;
  /** Ends the agent in order. */
  stop: AbortSignal;
  /** What went wrong before there was a log. */
  warnings: readonly string[];
  /** Takes lines for the operator. */
  stdout: AgentLogOptions["stdout"];
  /** Takes the reason of an end with exit code 1. */
  stderr: AgentLogOptions["stderr"];
}

/** What every area stands on. */
export interface Foundation {
  options: AgentOptions;
  log: Log;
  /** Masks a text in the log from now on. `isKept`: for good, not just as one of the newest. */
  hideSecret(text: string, options?: { isKept?: boolean }): void;
  /** Hides the secrets of an owner in the log, until the next call for it. */
  hideSecretsOf: AgentLog["hideSecretsOf"];
  /** The newest warnings and errors since the start. */
  lastProblems: AgentLog["lastProblems"];
  /** Logs every message of the link, with secrets masked. */
  traceWire: AgentLog["traceWire"];
  config: ConfigFile;
  database: Database;
  /** What was stored is lost, and Studio has not said since what it wants. */
  isRebuilt: boolean;
  engine: Engine;
  /** How the engine is reached. */
  engineEnvironment: EngineEnvironment;
  /** Undefined unless somebody wants to know. */
  telemetry: Telemetry | undefined;
  times: StartTimes;
  /** Resolved when the agent is to end in order, so that it is started again: maybe as another version. */
  restart: PromiseWithResolvers<void>;
  /** Prints a line for the operator: on standard output, or in the pretty log. */
  announce(line: string): void;
  clock: Clock;
}

/** Opens all of it; what has to be ended goes onto `stack`. Throws when the agent cannot run with these options. */
export async function openFoundation(
  options: AgentOptions,
  start: { agentLog: AgentLog; times: StartTimes; clock: Clock; stack: AsyncDisposableStack },
): Promise<Foundation> {
  const { flags, paths } = options;
  const { agentLog, times, clock, stack } = start;
  const { log, traceWire } = agentLog;
  const hideSecret: Foundation["hideSecret"] = (text, kind) => agentLog.hideSecret(text, kind);
  const announce = (line: string) => agentLog.announce(line);
  const { arch, variant } = buildArch();
  announce(`Reagent ${agentVersion} starts on ${Deno.build.os} ${arch}${variant}`);
  const telemetry = await openTelemetry(flags.profiling, clock);
  if (flags.profiling) {
    const profiling = await startProfiling({
      port: flags.profilingPort,
      tokenFile: paths.profilingTokenFile,
      log,
      metrics: () => telemetry?.prometheusText() ?? Promise.resolve(""),
    });
    if (profiling !== undefined) stack.use(profiling);
  }
  await createFolders(paths, { log });
  const config = await ConfigFile.open(flags.config, { log });
  hideSecret(config.current.secret, { isKept: true });
  hideSecret(config.current.authentication.key, { isKept: true });
  times.mark("config");
  if (config.current.applianceDomain.trim() !== "" || existsSync(paths.caBundleFile)) {
    const { prepareCaBundle } = await import("./ca_bundle.ts");
    await prepareCaBundle({ paths, config: config.current, clock, log });
  }
  const { database, isRebuilt } = openWithRecovery(paths.dbFile, { log, now: clock.wall() });
  stack.use(database);
  times.mark("database");
  const { engine, engineEnvironment } = createEngine(log);
  return {
    ...{ options, log, hideSecret, hideSecretsOf: agentLog.hideSecretsOf, traceWire, config, database, isRebuilt },
    ...{ engine, engineEnvironment, times, restart: Promise.withResolvers<void>(), announce, clock },
    lastProblems: () => agentLog.lastProblems(),
    telemetry,
  };
}

/** Loads what measures the agent only when somebody wants to know. */
async function openTelemetry(isServed: boolean, clock: Clock): Promise<Telemetry | undefined> {
  const isSent = isExported(Deno.env);
  if (!isServed && !isSent) return undefined;
  const { createTelemetry } = await import("../telemetry/telemetry.ts");
  return createTelemetry({ version: agentVersion, isExported: isSent, clock });
}

/**
 * An engine that is away is no reason to end; settings that cannot be understood are a mistake of whoever set up the
 * device.
 */
function createEngine(log: Log): Pick<Foundation, "engine" | "engineEnvironment"> {
  const engineEnvironment = Object.fromEntries(engineVariables.map((name) => [name, Deno.env.get(name)]));
  engineEndpoint(engineEnvironment, Deno.build.os);
  return { engine: new Engine({ log, env: engineEnvironment }), engineEnvironment };
}
