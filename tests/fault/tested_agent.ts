/** The agent of a fault test, in a process of its own. */

import { readTextIfThere } from "../../scripts/files.ts";
import { withInstalledPackages } from "../../scripts/packages.ts";
import { pathOf } from "../../scripts/paths.ts";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";
import { type Background, isRunning, killProcess, startInBackground } from "../../scripts/testbed/background.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { type AgentCommand, type AgentEvent, type AgentSettings, appendLine, readLines } from "./agent_commands.ts";

interface AgentRun {
  process: Background;
  settings: AgentSettings;
}

/**
 * Starts, commands and kills the agent.
 * - A second process waits in reserve, so that a start takes no time.
 * - What Studio knows of the app survives a kill; events are those since the last start.
 */
export class TestedAgent implements AsyncDisposable {
  readonly #folder: string;
  readonly #settings: Omit<AgentSettings, "commandsFile" | "eventsFile">;
  #count = 0;
  #run: AgentRun | undefined;
  #reserve: Promise<AgentRun> | undefined;
  #offset = 0;
  #app: DeviceApp | undefined;
  #events: AgentEvent[] = [];

  private constructor(folder: string, settings: Omit<AgentSettings, "commandsFile" | "eventsFile">) {
    this.#folder = folder;
    this.#settings = settings;
  }

  /** Prepares an agent whose files are in `folder`. */
  static async create(
    folder: string,
    settings: Omit<AgentSettings, "commandsFile" | "eventsFile">,
  ): Promise<TestedAgent> {
    await Deno.writeTextFile(`${folder}/events`, "");
    return new TestedAgent(folder, settings);
  }

  /** What Studio knows of the app; undefined before the first request. */
  get app(): DeviceApp | undefined {
    return this.#app;
  }

  /** True while a transition is in progress. */
  get isBusy(): boolean {
    const count = (phase: string) => {
      return this.#events.filter((event) => event.event === "transition" && event.phase === phase).length;
    };
    return count("begins") !== count("ended");
  }

  /** Starts the agent, with a fault prepared if there is one. */
  async start(arm?: AgentCommand): Promise<void> {
    this.readEvents();
    this.#events = [];
    this.#run = await (this.#reserve ?? this.#spawn());
    this.#reserve = this.#spawn();
    if (arm !== undefined) this.send(arm);
    this.send({ do: "start", app: this.#app });
  }

  /** Waits until the agent has started and connected. */
  async untilReady(): Promise<void> {
    await this.until("the agent is ready", ({ event }) => event === "ready", { limitMs: 30_000 });
  }

  /** Kills the agent. */
  async kill(): Promise<void> {
    if (this.#run !== undefined) await killProcess(this.#run.process.pid);
    this.#run = undefined;
  }

  /** Waits until the process has ended. */
  async untilEnded(): Promise<void> {
    const pid = this.#run?.process.pid ?? 0;
    await pollUntil("the agent has ended", async () => !(await isRunning(pid)) || undefined, { limitMs: 5_000 });
  }

  /** Kills the agent and forgets the app. */
  async reset(): Promise<void> {
    await this.kill();
    this.readEvents();
    this.#app = undefined;
    this.#events = [];
  }

  /** Sends a command. Throws when the agent does not run. */
  send(command: AgentCommand): void {
    if (this.#run === undefined) throw new Error("The agent does not run");
    appendLine(this.#run.settings.commandsFile, command);
  }

  /** Requests a state of the app, as Studio does. */
  request(app: DeviceApp): void {
    this.#app = app;
    this.send({ do: "request", app });
  }

  /** Reads new events. Returns all since the last start. */
  readEvents(): readonly AgentEvent[] {
    const { lines, offset } = readLines<AgentEvent>(`${this.#folder}/events`, this.#offset);
    this.#offset = offset;
    for (const event of lines) {
      if (event.event === "known") this.#app = event.app;
    }
    this.#events.push(...lines);
    return this.#events;
  }

  /** Waits for an event since the last start, a minute unless a limit is given. */
  async until(what: string, isIt: (event: AgentEvent) => boolean, { limitMs = 60_000 } = {}): Promise<void> {
    await pollUntil(what, () => Promise.resolve(this.readEvents().some(isIt) || undefined), { limitMs });
  }

  /** Waits until Studio knows the app in a state. */
  async untilState(state: string): Promise<void> {
    await this.until(`Studio knows ${state}`, () => this.#app?.current === state);
  }

  /** The end of the agent's log since the last start. */
  async readLog(): Promise<string> {
    const log = this.#run === undefined ? "" : await readTextIfThere(this.#run.process.logFile) ?? "";
    return log.split("\n").filter((line) => !/^\d+ trace/.test(line)).slice(-60).join("\n");
  }

  /** Kills all processes. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    const reserve = await this.#reserve;
    if (reserve !== undefined) await killProcess(reserve.process.pid);
  }

  async #spawn(): Promise<AgentRun> {
    const name = `${this.#folder}/agent${++this.#count}`;
    const files = { commandsFile: `${name}.commands`, eventsFile: `${this.#folder}/events` };
    const settings: AgentSettings = { ...this.#settings, ...files };
    await Deno.writeTextFile(settings.commandsFile, "");
    const program = pathOf("agent_program.ts", import.meta.url);
    const runtime = ["run", "--no-prompt", "-P=agent", "--quiet", "--no-check", withInstalledPackages];
    const args = [...runtime, program, JSON.stringify(settings)];
    return { settings, process: await startInBackground(Deno.execPath(), args, { logFile: `${name}.log` }) };
  }
}
