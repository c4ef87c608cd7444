/** Runs the tunnel client as a child that does not outlive the agent, and passes on what it prints. */

import type { Clock } from "../async/clock.ts";
import { waitAtMost } from "../async/deadline.ts";
import { LineQuota } from "../async/line_quota.ts";
import { AgentError, messageOf } from "../base/errors.ts";
import { TextLines } from "../base/lines.ts";
import type { Log } from "../base/log.ts";
import { childEnvironment } from "../host/child_environment.ts";
import { runCommand } from "../host/command.ts";
import { findProcesses } from "../host/find_processes.ts";

/** How the client is run. */
export interface ClientProcessOptions {
  program: string;
  configFile: string;
  /** The folder it runs in. */
  folder: string;
  clock: Clock;
  log: Log;
}

/** How the client has ended. */
export interface ClientEnd {
  code: number;
  /** Somebody has killed it, rather than that it could not go on. */
  isKilled: boolean;
  /** The last line it printed, for people; may be empty. */
  lastLine: string;
}

/** A client that prints more has lost its mind. */
export const printedLines = { lines: 20, perMs: 60_000 };
const lineChars = 500;

/** How long a process that was killed may take to be gone. */
const goneMs = 10_000;
const goneLookMs = 20;
const bindProbeMs = 2_000;

/**
 * Whether the machine can have a child killed when the agent ends, however that ends. Source: prctl(2),
 * PR_SET_PDEATHSIG; setpriv(1).
 */
export async function canBindToParent(signal: AbortSignal): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  try {
    return (await runCommand("setpriv", [...bindToParent, "true"], { timeoutMs: bindProbeMs, signal })).code === 0;
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  }
}

/** A client that was started. */
export class ClientProcess {
  readonly #child: Deno.ChildProcess;
  readonly #clock: Clock;
  readonly #reading: Promise<void>;
  #lastLine = "";
  /** Resolves when it has ended. Never rejects. */
  readonly ended: Promise<ClientEnd>;

  private constructor(child: Deno.ChildProcess, { clock, log }: ClientProcessOptions) {
    this.#child = child;
    this.#clock = clock;
    this.#reading = Promise.all([this.#read(child.stdout, log), this.#read(child.stderr, log)]).then(() => {});
    this.ended = this.#end();
  }

  /** Starts it. With `isBound` it is killed when the agent ends. Throws `command_failed`. */
  static start(options: ClientProcessOptions & { isBound: boolean }): ClientProcess {
    const { program, configFile, folder, isBound } = options;
    const command = [program, "-c", configFile];
    const [first = program, ...args] = isBound ? ["setpriv", ...bindToParent, ...command] : command;
    try {
      const child = new Deno.Command(first, {
        args,
        cwd: folder,
        // A proxy of the environment would be used whatever the configuration says.
        env: childEnvironment(Deno.env.toObject()),
        clearEnv: true,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      return new ClientProcess(child, options);
    } catch (error) {
      throw new AgentError("command_failed", `Cannot run "${program}": ${messageOf(error)}`, { cause: error });
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Kills it and waits until it is gone. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has just ended by itself.
    }
    await waitAtMost(this.ended, { limitMs: goneMs, clock: this.#clock, signal: new AbortController().signal });
  }

  async #end(): Promise<ClientEnd> {
    const { code, signal } = await this.#child.status;
    await this.#reading;
    return { code, isKilled: signal !== null, lastLine: this.#lastLine };
  }

  async #read(stream: ReadableStream<Uint8Array>, log: Log): Promise<void> {
    const lines = new TextLines();
    const quota = new LineQuota(printedLines, this.#clock);
    const take = (text: string) => {
      // deno-lint-ignore no-control-regex -- colours are removed
      const line = text.replace(/\x1b\[[0-9;]*m/g, "").trim().slice(0, lineChars);
      if (line === "") return;
      this.#lastLine = line;
      quota.run((omitted) => {
        if (line.includes("[E]")) log.error("Tunnel client", { line, ...omitted });
        else log.debug("Tunnel client", { line, ...omitted });
      });
    };
    for await (const part of stream) lines.push(part, take);
    lines.flush(take);
  }
}

/**
 * Ends clients with this configuration that an earlier run of the agent has left, and returns how many there were;
 * waits until they are gone.
 */
export async function endLeftClients(configFile: string, clock: Clock, signal: AbortSignal): Promise<number> {
  const isClient = (args: readonly string[], at: number) =>
    /(?:^|[\\/])frpc(?:\.exe)?$/.test(args[at] ?? "") && args[at + 1] === "-c" && args[at + 2] === configFile;
  const find = () => findProcesses((args) => args.some((_, at) => isClient(args, at)));
  const found = find();
  for (const pid of found) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has just ended by itself.
    }
  }
  for (let waitedMs = 0; waitedMs < goneMs && find().length > 0; waitedMs += goneLookMs) {
    await clock.sleep(goneLookMs, signal);
  }
  return found.length;
}

const bindToParent: readonly string[] = ["--pdeathsig", "KILL"];
