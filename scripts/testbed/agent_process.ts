/**
 * A real agent in a process of its own: from source, or the bundle or executable that REAGENT_AGENT names. Its folders,
 * its .flock file and its log are in a temporary folder.
 */

import { bundleRunArgs } from "../build/plan.ts";
import { sendSignal } from "./background.ts";
import { pollUntil } from "./wait.ts";
import { readTextIfThere } from "../files.ts";
import { projectRoot } from "../paths.ts";

/** How an agent is started. */
export interface AgentOptions {
  /** What its .flock file holds: the fields, or the text as it is. */
  flock: Readonly<Record<string, unknown>> | string;
  /** More arguments, after ours; the last of two equal flags counts. */
  args?: readonly string[];
  /** More environment; `DOCKER_HOST` for instance. */
  env?: Readonly<Record<string, string>>;
  /** Runs this instead of the agent: a script, as the bundle is one, or an executable. */
  program?: string;
}

/** A line of the agent's log file. */
export interface AgentLogLine {
  level: string;
  message: string;
  time: string;
  fields: Readonly<Record<string, unknown>>;
}

/** What a device gets from Studio, enough to connect and to pull. */
export function flockOf(device: {
  /** `<swarm key>-<device key>`, as the router knows it. */
  authid: string;
  secret: string;
  routerUrl: string;
  /** `127.0.0.1:5002`; without a slash. */
  registryHost: string;
  serialNumber: string;
  name?: string;
}): Record<string, unknown> {
  const [swarmKey, deviceKey] = device.authid.split("-").map(Number);
  return {
    name: device.name ?? "test device",
    secret: device.secret,
    swarm_key: swarmKey,
    device_key: deviceKey,
    swarm_name: "test swarm",
    swarm_owner_name: "tester",
    serial_number: device.serialNumber,
    device_endpoint_url: device.routerUrl,
    environment: "local",
    docker_registry_url: `${device.registryHost}/`,
    docker_main_repository: "apps/",
  };
}

/**
 * An agent's process and its folder.
 * - The folder stays the same over kill and start, as on a device.
 * - Disposing kills the process and removes the folder.
 */
export class AgentProcess implements AsyncDisposable {
  readonly folder: string;
  readonly flockFile: string;
  readonly logFile: string;
  readonly databaseFile: string;
  readonly #options: AgentOptions;
  #child: Deno.ChildProcess | undefined;
  #ended: Promise<number> | undefined;
  #exitCode: number | undefined;
  #output = "";
  #errors = "";

  private constructor(folder: string, options: AgentOptions) {
    this.folder = folder;
    this.flockFile = `${folder}/device.flock`;
    this.logFile = `${folder}/reagent.log`;
    this.databaseFile = `${folder}/reagent.db`;
    this.#options = options;
  }

  /** Makes the folder and starts the agent; does not wait for anything it does. */
  static async start(options: AgentOptions): Promise<AgentProcess> {
    const agent = new AgentProcess(await Deno.makeTempDir({ prefix: "a-" }), options);
    const { flock } = options;
    await Deno.writeTextFile(agent.flockFile, typeof flock === "string" ? flock : JSON.stringify(flock, null, 1));
    agent.start();
    return agent;
  }

  /** Starts it again after it has ended. */
  start(): void {
    if (this.#child !== undefined) throw new Error("The agent is running");
    const [program, ...first] = agentCommand(
      this.#options.program ?? Deno.env.get("REAGENT_AGENT") ?? `${projectRoot}main.ts`,
    );
    const child = new Deno.Command(program, {
      args: [...first, ...this.#flags(), ...this.#options.args ?? []],
      // Elsewhere than in the project, so that nothing lands there by a relative path.
      cwd: this.folder,
      env: { NO_COLOR: "1", ...this.#options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#ended = this.#collect(child);
  }

  /** Its process id; nothing when it has ended. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** All that it has written to its output, over all starts. */
  get output(): string {
    return this.#output;
  }

  /** All that it has written to its errors, over all starts. */
  get errors(): string {
    return this.#errors;
  }

  /** Its log file so far. Lines that are not of the agent's form come as messages of level `unreadable`. */
  async readLog(): Promise<AgentLogLine[]> {
    const lines = (await readTextIfThere(this.logFile) ?? "").split("\n").filter((line) => line !== "");
    return lines.map(decodeLine);
  }

  /**
   * Waits until a line of the log fits: its message contains the text, or the function says so. Throws with the log's
   * end.
   */
  async waitForLog(
    fits: string | ((line: AgentLogLine) => boolean),
    options: { limitMs?: number; afterLine?: number } = {},
  ): Promise<AgentLogLine> {
    const isIt = typeof fits === "string" ? (line: AgentLogLine) => line.message.includes(fits) : fits;
    const what = typeof fits === "string" ? `the agent's log has "${fits}"` : "the agent's log has the line";
    return await this.#explain(() =>
      pollUntil(what, async () => {
        return (await this.readLog()).slice(options.afterLine ?? 0).find(isIt);
      }, { limitMs: options.limitMs ?? 20_000 })
    );
  }

  /**
   * Waits until it ends by itself and gives its exit code (128 + signal when it was killed). Throws with the log's end.
   */
  async waitForExit(limitMs = 20_000): Promise<number> {
    return await this.#explain(() => pollUntil("the agent ends", () => Promise.resolve(this.#exitCode), { limitMs }));
  }

  /** Asks it to end with TERM, waits, and gives its exit code. */
  async stop(limitMs = 15_000): Promise<number> {
    this.signal("SIGTERM");
    return await this.waitForExit(limitMs);
  }

  /** Ends it with SIGKILL and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal("SIGCONT");
    this.signal("SIGKILL");
    await this.#ended;
  }

  /** Sends a signal if it is running. */
  signal(signal: Deno.Signal): void {
    if (this.#child !== undefined) sendSignal(this.#child.pid, signal);
  }

  /** Kills it and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #collect(child: Deno.ChildProcess): Promise<number> {
    this.#exitCode = undefined;
    const read = async (stream: ReadableStream<Uint8Array>, add: (text: string) => void) => {
      const decoder = new TextDecoder();
      for await (const chunk of stream) add(decoder.decode(chunk, { stream: true }));
    };
    const [status] = await Promise.all([
      child.status,
      read(child.stdout, (text) => this.#output += text),
      read(child.stderr, (text) => this.#errors += text),
    ]);
    this.#child = undefined;
    this.#exitCode = status.code;
    return status.code;
  }

  #flags(): string[] {
    return [
      ...["-config", this.flockFile, "-agentDir", this.folder, "-appsDir", `${this.folder}/apps`],
      ...["-dbFileName", this.databaseFile, "-logFile", this.logFile, "-nmw=false", "-update=false"],
    ];
  }

  async #explain<T>(wait: () => Promise<T>): Promise<T> {
    try {
      return await wait();
    } catch (error) {
      const log = (await readTextIfThere(this.logFile) ?? "(no log)").split("\n").slice(-25).join("\n");
      const text = error instanceof Error ? error.message : String(error);
      throw new Error(`${text}\nIts log ends:\n${log}\nIts errors:\n${this.#errors.slice(-2000)}`, { cause: error });
    }
  }
}

/**
 * How `agent`, a source, a bundle or an executable, is run with the rights of the agent: program and first arguments.
 */
export function agentCommand(agent: string): [string, ...string[]] {
  if (agent.endsWith(".js")) return [Deno.execPath(), ...bundleRunArgs(agent)];
  if (!agent.endsWith(".ts")) return [agent];
  const settings = ["--no-prompt", "-P=agent", "--quiet", "--no-check", "--config", `${projectRoot}deno.json`];
  return [Deno.execPath(), "run", ...settings, agent];
}

function decodeLine(line: string): AgentLogLine {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) {
      const { level, message, time, ...fields } = { level: "", message: "", time: "", ...value };
      return { level: String(level), message: String(message), time: String(time), fields };
    }
  } catch (error) {
    // A line is being written, or it is no JSON; the test sees it as it is.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { level: "unreadable", message: line, time: "", fields: {} };
}
