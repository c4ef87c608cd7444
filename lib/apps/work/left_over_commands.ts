/** Ends what an agent that was killed has left running. */

import { textOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";

/** Ends the commands of `docker` that an earlier agent has begun. */
export async function endLeftOverCommands(
  { dockerConfigDir, log }: { dockerConfigDir: string; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { DockerConfigs } = await import("../../docker/docker_config.ts");
  try {
    const ended = await new DockerConfigs({ folder: dockerConfigDir }).endLeftOvers(signal);
    if (ended > 0) log.info("Ended commands that an earlier agent has left", { commands: ended });
  } catch (error) {
    if (signal.aborted) throw error;
    log.warn("Cannot look for commands that an earlier agent has left", { error: textOf(error) });
  }
}
