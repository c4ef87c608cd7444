/**
 * The docker command as the demo uses it. Commands run in their own session, so that Ctrl-C in a terminal does not
 * interrupt them, and have a time limit. Only a pull can be aborted: the engine would go on with other commands.
 */

import { systemClock } from "../../lib/async/clock.ts";
import { AgentError } from "../../lib/base/errors.ts";
import { agentLabel } from "../../lib/model/labels.ts";

/** The name of the demo's app. Whatever the engine has under this name belongs to the demo. */
export const demoApp = "reagent-demo";

/** The label of images that the demo has built on the device, also of those that were not completed. */
export const demoLabel = "reagent-demo";

/** Information about an engine. */
export interface EngineInfo {
  version: string;
  /** The name of the machine that it runs on. */
  machine: string;
  /** It runs without root, in a network of its own. */
  isRootless: boolean;
}

/** How long a command may take (30 s by default), and what aborts it earlier. */
interface Limits {
  limitMs?: number;
  stop?: AbortSignal;
}

const commandLimitMs = 30_000;
const sweepTries = 20;
const sweepPauseMs = 250;
const pullLimitMs = 45_000;
const ownName = `(?:prod|dev)_[0-9]+_${demoApp}`;
const ownContainer = new RegExp(`^${ownName}(?:_compose-.+)?$`);
const ownOfProject = new RegExp(`^${ownName}_compose_`);
const ownImage = new RegExp(`/(?:prod|dev)_[a-z0-9]+_[0-9]+_${demoApp}(?:_[a-z]+)?:`);

/** The docker command for one engine. */
export class Docker {
  /** The value for DOCKER_HOST: `unix://…`. */
  readonly host: string;

  constructor(host: string) {
    this.host = host;
  }

  /** Runs a command and returns its output without the last newline. Throws `command_failed` with its errors. */
  async run(args: readonly string[], limits: Limits = {}): Promise<string> {
    return await runProgram("docker", ["-H", this.host, ...args], limits);
  }

  /** Reads information about the engine. Throws when it does not answer. */
  async readInfo(): Promise<EngineInfo> {
    const format = "{{.ServerVersion}}\n{{.Name}}\n{{json .SecurityOptions}}";
    const [version = "", machine = "", security = ""] = (await this.run(["info", "--format", format])).split("\n");
    return { version, machine, isRootless: security.includes("name=rootless") };
  }

  /** The names of containers that agents have created, except the demo's own. */
  async listForeignContainers(): Promise<string[]> {
    const names = await this.run([
      "ps",
      "--all",
      "--filter",
      `label=${agentLabel.name}=${agentLabel.value}`,
      "--format",
      "{{.Names}}",
    ]);
    return linesOf(names).filter((name) => !ownContainer.test(name));
  }

  /** Creates an image from a folder, without a network. */
  async importFolder(folder: string, reference: string, options: { changes: readonly string[] }): Promise<void> {
    const archive = `${folder}.tar`;
    await runProgram("tar", ["-C", folder, "--owner=0", "--group=0", "-cf", archive, "."]);
    const changes = options.changes.flatMap((change) => ["--change", change]);
    await this.run(["import", ...changes, archive, reference]);
  }

  /**
   * Copies a file out of an image. Pulls the image if it is missing, and removes it again. Throws `command_failed`.
   */
  async copyFromImage(image: string, path: string, options: { target: string; stop: AbortSignal }): Promise<void> {
    const isThere = linesOf(await this.run(["images", "--quiet", image])).length > 0;
    if (!isThere) await this.run(["pull", "--quiet", image], { limitMs: pullLimitMs, stop: options.stop });
    const container = await this.run(["create", image, "sh"]);
    try {
      await this.run(["cp", `${container}:${path}`, options.target]);
    } finally {
      await this.run(["rm", "--force", container]);
      if (!isThere) await this.run(["rmi", image]);
    }
  }

  /** Removes everything of the demo and returns how much it was. Throws when something cannot be removed. */
  async sweep(): Promise<number> {
    const swept = new Set<string>();
    for (let tries = 1;; tries++) {
      const leftovers = await this.#leftovers();
      const names = leftovers.flatMap((leftover) => leftover.names);
      if (names.length === 0) return swept.size;
      for (const name of names) swept.add(name);
      try {
        for (const { remove, names } of leftovers) if (names.length > 0) await this.run([...remove, ...names]);
      } catch (error) {
        // The engine may still be removing something for a client that has disconnected.
        if (tries === sweepTries) throw error;
        await systemClock.sleep(sweepPauseMs);
      }
    }
  }

  /** What there is of the demo, in the order in which it can be removed. */
  async #leftovers(): Promise<{ remove: string[]; names: string[] }[]> {
    const list = async (args: readonly string[], isOwn = (_name: string) => true) => {
      return [...new Set(linesOf(await this.run(args)))].filter(isOwn);
    };
    const byName = (pattern: RegExp) => (name: string) => pattern.test(name);
    const isBuilt = ["--filter", `label=${demoLabel}`, "--quiet", "--all"];
    return [
      {
        remove: ["rm", "--force", "--volumes"],
        names: [
          ...await list(["ps", "--all", "--format", "{{.Names}}"], byName(ownContainer)),
          ...await list(["ps", ...isBuilt]),
        ],
      },
      {
        remove: ["rmi", "--force"],
        names: await list(["images", "--format", "{{.Repository}}:{{.Tag}}"], byName(ownImage)),
      },
      { remove: ["rmi", "--force"], names: await list(["images", ...isBuilt]) },
      {
        remove: ["network", "rm"],
        names: await list(["network", "ls", "--format", "{{.Name}}"], byName(ownOfProject)),
      },
      { remove: ["volume", "rm"], names: await list(["volume", "ls", "--format", "{{.Name}}"], byName(ownOfProject)) },
    ];
  }
}

/** The engine that the docker command of this machine uses; undefined without the command. */
export async function findDockerHost(): Promise<string | undefined> {
  try {
    return await runProgram("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]);
  } catch {
    // There is no docker command, or its context does not exist.
    return undefined;
  }
}

function linesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

async function runProgram(program: string, args: readonly string[], limits: Limits = {}): Promise<string> {
  const { limitMs = commandLimitMs, stop } = limits;
  const what = `${program} ${args.filter((arg) => arg !== "-H" && !arg.includes("/")).slice(0, 3).join(" ")}`;
  const limit = AbortSignal.timeout(limitMs);
  const signal = stop === undefined ? limit : AbortSignal.any([limit, stop]);
  const streams = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  let output: Deno.CommandOutput;
  try {
    // The runtime detaches only spawned programs, not those that it just runs.
    output = await new Deno.Command(program, { args: [...args], detached: true, signal, ...streams }).spawn().output();
  } catch (cause) {
    throw new AgentError("command_failed", `Cannot run "${what}"`, { cause });
  }
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout).replace(/\n$/, "");
  const errors = decoder.decode(output.stderr).trim().split("\n").slice(-3).join("\n");
  const reason = limit.aborted ? `took longer than ${limitMs / 1000} s` : errors;
  throw new AgentError("command_failed", `Cannot run "${what}": ${reason}`);
}
