/** A shell in a container. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { isCanceled } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { EngineConnection } from "../docker/engine_connection.ts";
import type { Execs, ExecState, TerminalSize } from "../docker/exec.ts";
import { endMarkedProcess, startOfProcess } from "../host/end_process.ts";
import { endMarkedProcesses } from "../host/marked_processes.ts";
import { isInContainer } from "../host/process_idle.ts";
import { markOf, type OpenShell, type OpenShells } from "./open_shells.ts";
import { chooseShell } from "./shell_choice.ts";
import type { Shell } from "./shell.ts";
import { firstSize } from "./window_size.ts";

/** What shells in containers need. */
export interface ContainerShellDeps {
  execs: Execs;
  openShells: OpenShells;
  clock: Clock;
  log: Log;
}

const shellListLimitMs = 30_000;
const shellListLimitBytes = 64 * 1024;
const inspectLimitMs = 5_000;
const shellSearchMs = 10_000;
const pidTries = 50;
const pidPauseMs = 20;

/** How long a shell has to end by itself. */
export const shellGraceMs = 2_000;

/** Opens a shell in a running container. Throws as the calls of the engine. */
export async function openContainerShell(
  deps: ContainerShellDeps,
  { containerId, sessionId }: { containerId: string; sessionId: string },
  signal: AbortSignal,
): Promise<Shell> {
  const { execs, openShells } = deps;
  const command = [await findShell(execs, containerId, signal)];
  const options = { command, variables: [markOf(sessionId)], size: firstSize, signal };
  const execId = await execs.prepareTerminal(containerId, options);
  const entry = { sessionId, pid: 0, start: "", exec: { containerId, execId } };
  await openShells.note(entry);
  try {
    const connection = await execs.openTerminal(execId, { size: firstSize, signal });
    const pid = await findPid(execId, deps, signal);
    const start = isInContainer({ containerId, pid }) ? startOfProcess(pid) : "";
    const shell = new ContainerShell({ ...deps, connection, entry: { ...entry, pid, start } });
    await openShells.note(shell.entry);
    return shell;
  } catch (error) {
    await endContainerShell(entry, deps);
    throw error;
  }
}

/** Ends the process of a shell in a container, wherever it is visible. Never throws. */
export async function endContainerShell(
  { sessionId, pid, start, exec }: OpenShell,
  deps: ContainerShellDeps,
): Promise<void> {
  const { execs, openShells, clock, log } = deps;
  const mark = markOf(sessionId);
  const options = { mark, start, graceMs: shellGraceMs, clock };
  try {
    const state = exec === undefined ? undefined : await inspect(execs, exec.execId);
    const isEnded = await endMarkedProcess(state?.pid || pid, options);
    // A process that is not visible runs in a container on another machine, or in another container's view.
    if (!isEnded && exec !== undefined && state?.isRunning) await endFromInside(execs, { ...exec, mark });
    // The engine was gone before it had told which process it is.
    if (!isEnded && state === undefined) {
      await endMarkedProcesses(new Set([mark]), { signal: AbortSignal.timeout(shellSearchMs) });
    }
  } catch (error) {
    log.warn("Cannot end the shell of a terminal", { session: sessionId, error });
  }
  await openShells.forget(sessionId);
}

async function findShell(execs: Execs, containerId: string, signal: AbortSignal): Promise<string> {
  const what = "Reading the shells of a container";
  const read = (limit: AbortSignal) =>
    execs.readOutput(containerId, {
      command: ["cat", "/etc/shells"],
      limitBytes: shellListLimitBytes,
      signal: limit,
    });
  try {
    return chooseShell(new TextDecoder().decode(await within(shellListLimitMs, read, { what, signal })));
  } catch (error) {
    if (isCanceled(error)) throw error;
    // A container without `cat` may have a shell; what else is wrong keeps that from being opened as well.
    return chooseShell("");
  }
}

/**
 * The process of a shell, which starts shortly after the engine has opened the connection; 0 when the engine does not
 * say. Without it, a shell could not be found once the engine is gone.
 */
async function findPid(execId: string, { execs, clock }: ContainerShellDeps, signal: AbortSignal): Promise<number> {
  for (let tries = 0; tries < pidTries; tries += 1) {
    const state = await execs.inspect(execId, signal);
    if (state === undefined || state.pid > 0) return state?.pid ?? 0;
    await clock.sleep(pidPauseMs, signal);
  }
  return 0;
}

async function inspect(execs: Execs, execId: string): Promise<ExecState | undefined> {
  const what = "Inspecting the shell of a terminal";
  try {
    return await within(inspectLimitMs, (signal) => execs.inspect(execId, signal), { what });
  } catch {
    // Without an engine the process is looked for all the same.
    return undefined;
  }
}

/** Looks for the marked processes from inside the container. */
async function endFromInside(
  execs: Execs,
  { containerId, mark }: { containerId: string; mark: string },
): Promise<void> {
  const send = (signal: string) =>
    `for p in /proc/[0-9]*; do grep -qs "${mark}" $p/environ && kill -${signal} \${p#/proc/}; done`;
  const command = ["/bin/sh", "-c", `${send("HUP")}; sleep 1; ${send("KILL")}; true`];
  const what = "Ending the shell of a terminal from inside its container";
  await within(inspectLimitMs, (signal) => execs.readOutput(containerId, { command, limitBytes: 1, signal }), { what });
}

class ContainerShell implements Shell {
  readonly #deps: ContainerShellDeps & { connection: EngineConnection };
  readonly entry: OpenShell & Required<Pick<OpenShell, "exec">>;
  #ended: Promise<void> | undefined;

  constructor(
    { entry, ...deps }: ContainerShellDeps & {
      connection: EngineConnection;
      entry: OpenShell & Required<Pick<OpenShell, "exec">>;
    },
  ) {
    this.#deps = deps;
    this.entry = entry;
  }

  async read(): Promise<Uint8Array | undefined> {
    return await this.#deps.connection.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#deps.connection.write(bytes);
  }

  async resize(size: TerminalSize, signal: AbortSignal): Promise<void> {
    await this.#deps.execs.resize(this.entry.exec.execId, size, signal);
  }

  async end(): Promise<void> {
    this.#ended ??= this.#end();
    await this.#ended;
  }

  /** The end of the connection alone would leave the shell running. */
  async #end(): Promise<void> {
    await endContainerShell(this.entry, this.#deps);
    this.#deps.connection.close();
  }
}
