/**
 * The docker command as the demo uses it. Commands have a session of their own, so that Ctrl-C in a terminal does not
 * cut them, and a limit. None but a pull is cut before, because the engine would go on with what it was told.
 */

import { systemClock } from "../../lib/async/clock.ts";
import { AgentError } from "../../lib/base/errors.ts";
import { agentLabel } from "../../lib/model/labels.ts";

/** Name of the demo's app. What the demo finds under this name on an engine is the demo's own. */
export const demoApp = "reagent-demo";

/** What an engine says about itself. */
export interface EngineFacts {
  version: string;
  /** Name of the machine that it runs on. */
  machine: string;
  /** It runs without root, in a network of its own. */
  isRootless: boolean;
}

/** How long a command may take (30 s when absent), and what cuts it before. */
interface Limits {
  limitMs?: number;
  stop?: AbortSignal;
}

const commandLimitMs = 30_000;
const sweepLooks = 20;
const sweepPauseMs = 250;
const pullLimitMs = 45_000;
const ownContainer = new RegExp(`^prod_[0-9]+_${demoApp}$`);
const ownImage = new RegExp(`/prod_[a-z0-9]+_[0-9]+_${demoApp}:`);

/** The docker command against one engine. */
export class Docker {
  /** For DOCKER_HOST: `unix://…`. */
  readonly host: string;

  constructor(host: string) {
    this.host = host;
  }

  /** Runs a command and gives its output without the last newline. Throws `command_failed` with its last words. */
  async run(args: readonly string[], limits: Limits = {}): Promise<string> {
    return await runProgram("docker", ["-H", this.host, ...args], limits);
  }

  /** What the engine says about itself. Throws when it does not answer. */
  async facts(): Promise<EngineFacts> {
    const format = "{{.ServerVersion}}\n{{.Name}}\n{{json .SecurityOptions}}";
    const [version = "", machine = "", security = ""] = (await this.run(["info", "--format", format])).split("\n");
    return { version, machine, isRootless: security.includes("name=rootless") };
  }

  /** Containers that an agent has made, by name, but the demo's own. */
  async foreignContainers(): Promise<string[]> {
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

  /** Makes an image of a folder, without a network. */
  async importFolder(folder: string, reference: string, options: { changes: readonly string[] }): Promise<void> {
    const archive = `${folder}.tar`;
    await runProgram("tar", ["-C", folder, "--owner=0", "--group=0", "-cf", archive, "."]);
    const changes = options.changes.flatMap((change) => ["--change", change]);
    await this.run(["import", ...changes, archive, reference]);
  }

  /**
   * Copies a file out of an image, which is pulled when it is not there and removed again. Throws when it cannot be
   * had.
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

  /**
   * Removes all containers and images of the demo and gives how many there were. Throws when some are still there in
   * the end.
   */
  async sweep(): Promise<number> {
    const swept = new Set<string>();
    for (let looks = 1;; looks++) {
      const { containers, images } = await this.#own();
      if (containers.length + images.length === 0) return swept.size;
      for (const name of [...containers, ...images]) swept.add(name);
      try {
        if (containers.length > 0) await this.run(["rm", "--force", "--volumes", ...containers]);
        if (images.length > 0) await this.run(["rmi", "--force", ...images]);
      } catch (error) {
        // The engine may still be removing by itself what it was told to remove by a client that has gone.
        if (looks === sweepLooks) throw error;
        await systemClock.sleep(sweepPauseMs);
      }
    }
  }

  async #own(): Promise<{ containers: string[]; images: string[] }> {
    const containers = linesOf(await this.run(["ps", "--all", "--format", "{{.Names}}"]));
    const images = linesOf(await this.run(["images", "--format", "{{.Repository}}:{{.Tag}}"]));
    return { containers: containers.filter((name) => ownContainer.test(name)), images: images.filter(isOwnImage) };
  }
}

/** Where the docker command of this machine finds its engine; undefined without the command. */
export async function usualHost(): Promise<string | undefined> {
  try {
    return await runProgram("docker", ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]);
  } catch {
    // No docker command, or a context that is gone: there is no engine to use.
    return undefined;
  }
}

function isOwnImage(reference: string): boolean {
  return ownImage.test(reference);
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
    // The runtime gives a session of its own to what it spawns, and not to what it just runs.
    output = await new Deno.Command(program, { args: [...args], detached: true, signal, ...streams }).spawn().output();
  } catch (cause) {
    throw new AgentError("command_failed", `Cannot run "${what}"`, { cause });
  }
  const decoder = new TextDecoder();
  if (output.success) return decoder.decode(output.stdout).replace(/\n$/, "");
  const words = decoder.decode(output.stderr).trim().split("\n").slice(-3).join("\n");
  const reason = limit.aborted ? `took longer than ${limitMs / 1000} s` : words;
  throw new AgentError("command_failed", `Cannot run "${what}": ${reason}`);
}
