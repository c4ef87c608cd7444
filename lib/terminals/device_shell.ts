/** A shell on the device itself. */

import type { Clock } from "../async/clock.ts";
import { AgentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { TerminalSize } from "../docker/exec.ts";
import { userVariables } from "../host/device_user.ts";
import { endMarkedProcess, startOfProcess } from "../host/end_process.ts";
import type { Pty } from "../host/pseudoterminal.ts";
import { openPty } from "../host/pty.ts";
import { shellGraceMs } from "./container_shell.ts";
import { markOf, type OpenShells, shellMark } from "./open_shells.ts";
import type { Shell } from "./shell.ts";
import { firstSize } from "./window_size.ts";

/** What shells of the device need. */
export interface DeviceShellDeps {
  openShells: OpenShells;
  clock: Clock;
  log: Log;
}

const noPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Opens `bash` in a session of its own, on a terminal of its own. Throws `not_available`, `command_failed`. */
export async function openDeviceShell(sessionId: string, deps: DeviceShellDeps): Promise<Shell> {
  if (Deno.build.os !== "linux") {
    throw new AgentError("not_available", `The device terminal is not available on ${Deno.build.os}`);
  }
  const passwd = await Deno.readTextFile("/etc/passwd").catch(() => "");
  const user = userVariables(Deno.env.toObject(), { uid: Deno.uid(), passwd });
  const PATH = Deno.env.get("PATH") || noPath;
  const program = await findProgram(["bash", "sh"], PATH);
  const env = { PATH, ...user, TERM: "xterm-256color", SHELL: program, [shellMark]: sessionId };
  const pty = await openPty({ program, args: ["-i"], env, folder: await homeOf(user.HOME), ...firstSize }, deps.log);
  const start = startOfProcess(pty.pid);
  await deps.openShells.note({ sessionId, pid: pty.pid, start });
  return new DeviceShell(pty, { ...deps, sessionId, start });
}

async function findProgram(names: readonly string[], path: string): Promise<string> {
  for (const name of names) {
    for (const folder of path.split(":")) {
      const found = await Deno.stat(`${folder}/${name}`).catch(() => undefined);
      if (found?.isFile) return `${folder}/${name}`;
    }
  }
  throw new AgentError("not_available", `The device has no ${names.join(" and no ")}`);
}

async function homeOf(home: string): Promise<string> {
  const found = await Deno.stat(home).catch(() => undefined);
  return found?.isDirectory ? home : "/";
}

interface NotedShellDeps extends DeviceShellDeps {
  sessionId: string;
  start: string;
}

class DeviceShell implements Shell {
  readonly #pty: Pty;
  readonly #deps: NotedShellDeps;
  #ended: Promise<void> | undefined;

  constructor(pty: Pty, deps: NotedShellDeps) {
    this.#pty = pty;
    this.#deps = deps;
  }

  async read(): Promise<Uint8Array | undefined> {
    return await this.#pty.read();
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#pty.write(bytes);
  }

  async resize(size: TerminalSize): Promise<void> {
    await this.#pty.resize(size);
  }

  async end(): Promise<void> {
    this.#ended ??= this.#end();
    await this.#ended;
  }

  async #end(): Promise<void> {
    const { sessionId, start, openShells, clock } = this.#deps;
    await endMarkedProcess(this.#pty.pid, { mark: markOf(sessionId), start, graceMs: shellGraceMs, clock });
    this.#pty.close();
    await openShells.forget(sessionId);
  }
}
