/** The `docker compose` command line, for what only it can do: nothing is listed, watched or read through it. */

import { throwIfAborted } from "../async/deadline.ts";
import { Semaphore } from "../async/semaphore.ts";
import { existsSync } from "../files/exists.ts";
import { folderOf } from "../files/path_parts.ts";
import type { OnLines } from "../host/line_queue.ts";
import { streamCommand, type StreamedEnd } from "../host/stream_command.ts";
import { ComposeError } from "./compose_error.ts";
import type { DockerConfigs } from "./docker_config.ts";
import type { EngineEnvironment } from "./endpoint.ts";
import { commandEnvironment } from "./command_environment.ts";
import type { RegistryAuth } from "./registry.ts";

/** A compose project on the disk. */
export interface ComposeProject {
  /** As its containers have it in their label. */
  name: string;
  /** The path of its definition, whose folder may have an `.env-compose`. */
  file: string;
}

/** How a command runs. */
export interface ComposeRun {
  signal: AbortSignal;
  /** Gets the output; see `StreamedOptions.onLines`. */
  onLines?: OnLines;
  /** For what compose pulls by itself. */
  logins?: readonly RegistryAuth[];
}

const perMinuteMs = 60_000;

/** How long each command may take: containers have their own time to stop, and what a build does may take hours. */
export const composeLimitsMs = {
  support: 20_000,
  up: 60 * perMinuteMs,
  build: 360 * perMinuteMs,
  stop: 5 * perMinuteMs,
  rm: 5 * perMinuteMs,
  down: 10 * perMinuteMs,
} as const;

/** Starts and builds that run at once: each takes two processes of some 40 MB, and a device may have many apps. */
export const composeStartsAtOnce = 4;

/** For the log of an app. Its wording is part of the wire. */
export const composeUnsupportedText = "Docker Compose is not supported for this device";

/**
 * Runs `docker compose`. Every command throws a `ComposeError` with its first and last lines, `timeout`, and `canceled`
 * within a second of an abort; then no process of it is left. Each can be repeated.
 */
export class ComposeCli {
  readonly #configs: DockerConfigs;
  readonly #env: EngineEnvironment;
  readonly #program: string;
  readonly #starts = new Semaphore(composeStartsAtOnce);
  #support: boolean | undefined;

  /** `env` replaces the variables that name the engine; `program` replaces `docker`. */
  constructor(options: { configs: DockerConfigs; env?: EngineEnvironment; program?: string }) {
    this.#configs = options.configs;
    this.#env = options.env ?? Deno.env.toObject();
    this.#program = options.program ?? "docker";
  }

  /**
   * True when this machine has the compose plugin. The answer is kept until `forgetSupport()`; no engine is needed for
   * it. Throws `canceled` only.
   */
  async isSupported(signal: AbortSignal): Promise<boolean> {
    if (this.#support !== undefined) return this.#support;
    try {
      const { code } = await this.#run(["compose", "version"], { signal, timeoutMs: composeLimitsMs.support });
      this.#support = code === 0;
      return this.#support;
    } catch {
      throwIfAborted(signal, "Looking for docker compose");
      // A busy machine says nothing about the plugin.
      return false;
    }
  }

  /** Lets the next `isSupported()` look again unless compose was there: after an outage of the engine. */
  forgetSupport(): void {
    if (this.#support === false) this.#support = undefined;
  }

  /** Creates and starts the services, and removes containers of services that are gone. Builds only with `build`. */
  async up(project: ComposeProject, options: ComposeRun & { build: boolean }): Promise<void> {
    const args = ["up", "--remove-orphans", "-d", ...(options.build ? [] : ["--no-build"])];
    const run = () => this.#mustRun(project, args, { ...options, timeoutMs: composeLimitsMs.up });
    await this.#starts.run(run, options.signal);
  }

  /** Builds the images of services that have a build section. */
  async build(project: ComposeProject, options: ComposeRun): Promise<void> {
    const run = () => this.#mustRun(project, ["build"], { ...options, timeoutMs: composeLimitsMs.build });
    await this.#starts.run(run, options.signal);
  }

  /** Stops the containers. */
  async stop(project: ComposeProject, options: ComposeRun): Promise<void> {
    await this.#mustRun(project, ["stop"], { ...options, timeoutMs: composeLimitsMs.stop });
  }

  /** Removes the stopped containers. */
  async removeStopped(project: ComposeProject, options: ComposeRun): Promise<void> {
    await this.#mustRun(project, ["rm", "-f"], { ...options, timeoutMs: composeLimitsMs.rm });
  }

  /** Stops and removes containers and networks; with `volumes` the volumes and their data, too. */
  async down(
    project: ComposeProject,
    options: ComposeRun & { volumes?: boolean; removeOrphans?: boolean },
  ): Promise<void> {
    const { volumes = false, removeOrphans = false } = options;
    const args = ["down", ...(volumes ? ["-v"] : []), ...(removeOrphans ? ["--remove-orphans"] : [])];
    await this.#mustRun(project, args, { ...options, timeoutMs: composeLimitsMs.down });
  }

  async #mustRun(
    { name, file }: ComposeProject,
    command: readonly [name: string, ...rest: string[]] | readonly string[],
    options: ComposeRun & { timeoutMs: number },
  ): Promise<void> {
    const envFile = `${folderOf(file)}/.env-compose`;
    const variables = existsSync(envFile) ? ["--env-file", envFile] : [];
    const end = await this.#run(["compose", "-f", file, ...variables, ...command], { ...options, project: name });
    const shown = command.filter((part) => !part.startsWith("-")).join(" ");
    if (end.code !== 0) throw new ComposeError(shown, { exitStatus: end.code, lines: end.lines });
  }

  async #run(
    args: readonly string[],
    { project, ...options }: ComposeRun & { timeoutMs: number; project?: string },
  ): Promise<StreamedEnd> {
    const { signal, timeoutMs, onLines, logins = [] } = options;
    using config = this.#configs.open(logins);
    const env = commandEnvironment(this.#env, { configFolder: config.folder, project });
    return await streamCommand(this.#program, args, { signal, timeoutMs, onLines, env });
  }
}
