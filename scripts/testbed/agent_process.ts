/**
 * A real agent in its own process: from source, or the bundle or executable in REAGENT_AGENT. Its folders, its .flock
 * file and its log are in a temporary folder.
 */

import { bundleRunArgs } from "../build/plan.ts";
import { withInstalledPackages } from "../packages.ts";
import { sendSignal } from "./background.ts";
import { pollUntil } from "./wait.ts";
import { readTextIfThere, removeForeignFolder } from "../files.ts";
import { projectRoot } from "../paths.ts";

/** Options of an agent process. */
export interface AgentOptions {
  /** The content of its .flock file: fields, or the raw text. */
  flock: Readonly<Record<string, unknown>> | string;
  /** More arguments, after ours; when a flag is given twice, the last one counts. */
  args?: readonly string[];
  /** More environment variables, such as `DOCKER_HOST`. */
  env?: Readonly<Record<string, string>>;
  /** Programs that are in its folder from the start: where they are, by name. */
  files?: Readonly<Record<string, string>>;
  /** A script or executable to run instead of the agent. */
  program?: string;
}

/** A line of the agent's log file. */
export interface AgentLogLine {
  level: string;
  message: string;
  time: string;
  fields: Readonly<Record<string, unknown>>;
}

/** The fields of a .flock file that a device needs to connect and to pull. */
export function flockOf(device: {
  /** `<swarm key>-<device key>`, the login at the router. */
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
 * - The folder survives kill and start, as on a device.
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

  /** Creates the folder and starts the agent, without waiting for anything it does. */
  static async start(options: AgentOptions): Promise<AgentProcess> {
    const agent = new AgentProcess(await Deno.makeTempDir({ prefix: "a-" }), options);
    const { flock } = options;
    await Deno.writeTextFile(agent.flockFile, typeof flock === "string" ? flock : JSON.stringify(flock, null, 1));
    for (const [name, path] of Object.entries(options.files ?? {})) {
      await Deno.copyFile(path, `${agent.folder}/${name}`);
    }
    agent.start();
    return agent;
  }

  /** Starts it again after it has exited. */
  start(): void {
    if (this.#child !== undefined) throw new Error("The agent is running");
    const [program, ...first] = agentCommand(
      this.#options.program ?? Deno.env.get("REAGENT_AGENT") ?? `${projectRoot}main.ts`,
    );
    const child = new Deno.Command(program, {
      args: [...first, ...this.#flags(), ...this.#options.args ?? []],
      // Not the project's folder, so that no relative path writes there.
      cwd: this.folder,
      env: { NO_COLOR: "1", ...this.#options.env },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#ended = this.#collect(child);
  }

  /** Its process id; undefined when it is not running. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Everything it has written to stdout, over all starts. */
  get output(): string {
    return this.#output;
  }

  /** Everything it has written to stderr, over all starts. */
  get errors(): string {
    return this.#errors;
  }

  /** Its log file so far. Lines in another format become messages of level `unreadable`. */
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
   * Waits until it exits and returns its exit code (128 + signal when it was killed). Throws with the end of the log.
   */
  async waitForExit(limitMs = 20_000): Promise<number> {
    return await this.#explain(() => pollUntil("the agent ends", () => Promise.resolve(this.#exitCode), { limitMs }));
  }

  /** Sends TERM, waits, and returns its exit code. */
  async stop(limitMs = 15_000): Promise<number> {
    this.signal("SIGTERM");
    return await this.waitForExit(limitMs);
  }

  /** Sends KILL and waits until it is gone. */
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
    await removeForeignFolder(this.folder);
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
 * The command that runs `agent` (a source file, a bundle or an executable) with the agent's permissions: the program
 * and its first arguments.
 */
export function agentCommand(agent: string): [string, ...string[]] {
  if (agent.endsWith(".js")) return [Deno.execPath(), ...bundleRunArgs(agent)];
  if (!agent.endsWith(".ts")) return [agent];
  const config = ["--config", `${projectRoot}deno.json`, withInstalledPackages];
  const settings = ["--no-prompt", "-P=agent", "--quiet", "--no-check", ...config];
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
    // The line is incomplete or not JSON; the test sees it as it is.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return { level: "unreadable", message: line, time: "", fields: {} };
}
