/** Builds with the `docker` command line, for engines that have no classic builder. */

import { streamCommand } from "../host/stream_command.ts";
import { type BuildOptions, BuildTail } from "./build.ts";
import { commandEnvironment } from "./command_environment.ts";
import type { DockerConfigs } from "./docker_config.ts";
import type { EngineEnvironment } from "./endpoint.ts";
import { EngineError, isFullDisk } from "./errors.ts";

/** What is built, and how. */
export interface CliBuildOptions extends Omit<BuildOptions, "buildId"> {
  /** Gets the lines of the output. */
  onLines(lines: readonly string[]): void;
}

/** What the command line is run with. */
export interface CliBuildDeps {
  configs: Pick<DockerConfigs, "open">;
  /** How the engine is reached. */
  env: EngineEnvironment;
}

/** A build has no deadline; this is more than any takes. */
const cliBuildLimitMs = 24 * 3_600_000;

/**
 * Builds an image with BuildKit. Throws `build_failed` with the last lines of the output, `no_space`, `command_failed`
 * when the program cannot be started, `canceled` within a second after an abort; its whole process group has been
 * killed then.
 */
export async function buildWithCli({ configs, env }: CliBuildDeps, options: CliBuildOptions): Promise<void> {
  const { reference, dockerfile, archivePath, logins, signal, onLines } = options;
  using config = configs.open(logins);
  const args = ["build", "--force-rm", "--progress", "plain", "-t", reference, "-f", dockerfile, "-"];
  const { code, lines } = await streamCommand("docker", args, {
    signal,
    timeoutMs: cliBuildLimitMs,
    env: { ...commandEnvironment(env, { configFolder: config.folder }), DOCKER_BUILDKIT: "1" },
    inputFile: archivePath,
    onLines,
  });
  if (code === 0) return;
  const tail = new BuildTail();
  for (const line of lines) tail.add(`${line}\n`);
  const text = tail.text() || `\nexit status ${code}`;
  throw new EngineError(
    isFullDisk(text) ? "no_space" : "build_failed",
    `Building image "${reference}" failed:${text}`,
    {
      engineText: text.trim(),
    },
  );
}
