/** Runs one process of a simulated fleet and collects what its agents report. */

import { isDict, parseJson, readText } from "../../lib/base/json.ts";
import { withInstalledPackages } from "../packages.ts";
import { projectRoot } from "../paths.ts";

/** A running process. Disposing ends it. */
export class FleetProcess implements AsyncDisposable {
  readonly count: number;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  readonly #connections: { agent: number; atMs: number }[] = [];
  readonly #failures: number[] = [];
  readonly #late: { lateMs: number; atMs: number }[] = [];

  private constructor(child: Deno.ChildProcess, count: number) {
    this.#child = child;
    this.count = count;
    this.#reading = this.#read();
  }

  /** Starts `count` agents, numbered from `first`, in one process. */
  static start(url: string, { first, count }: { first: number; count: number }): FleetProcess {
    const settings = ["run", "--no-prompt", "-P=agent", "--quiet", "--no-check", withInstalledPackages];
    const child = new Deno.Command(Deno.execPath(), {
      args: [...settings, "scripts/bench/fleet_agents.ts", url, String(first), String(count)],
      cwd: projectRoot,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    return new FleetProcess(child, count);
  }

  /** The process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** When each agent first had a session after `sinceMs` (wall time); agents without one are left out. */
  returnsMs(sinceMs: number): number[] {
    const firsts = new Map<number, number>();
    for (const { agent, atMs } of this.#connections) {
      if (atMs >= sinceMs && !firsts.has(agent)) firsts.set(agent, atMs);
    }
    return [...firsts.values()];
  }

  /** The number of dials that have failed since a time. */
  failuresSince(sinceMs: number): number {
    return this.#failures.filter((atMs) => atMs >= sinceMs).length;
  }

  /** The longest delay of a timer since a time. */
  latestMs(sinceMs: number): number {
    return Math.max(0, ...this.#late.filter(({ atMs }) => atMs >= sinceMs).map(({ lateMs }) => lateMs));
  }

  /** Ends the process with all its agents. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
    await this.#reading;
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#add(parseJson(line));
    }
  }

  #add(event: unknown): void {
    if (!isDict(event)) throw new Error("Cannot read the output of the fleet");
    const { agent, atMs, lateMs } = event;
    const end = readText(event.end);
    if (end !== undefined) throw new Error(`The link of agent ${agent} ended: ${end}`);
    if (event.failure !== undefined) this.#failures.push(Number(atMs));
    else if (lateMs !== undefined) this.#late.push({ lateMs: Number(lateMs), atMs: Number(atMs) });
    else this.#connections.push({ agent: Number(agent), atMs: Number(atMs) });
  }
}
