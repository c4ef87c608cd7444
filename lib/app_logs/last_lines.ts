/** Reads the end of a container's log. */

import { within } from "../async/deadline.ts";
import type { Log } from "../base/log.ts";
import type { FollowEngine } from "./follower.ts";
import { splitText } from "./pieces.ts";
import { cannotBeRead, driverReason, unreadableText } from "./unreadable.ts";

/** What is needed of the engine. */
export interface TailEngine extends Pick<FollowEngine, "inspect"> {
  /**
   * The last lines of a container, without times. Throws `container_missing`, `engine_unreachable`, `engine_failed`.
   */
  readLogs(id: string, options: { tail: number; tty: boolean; signal: AbortSignal }): Promise<string[]>;
}

const lastLinesCount = 50;

const readLimitMs = 10_000;

/**
 * The last 50 lines of a container, long ones in pieces, at most about 4 MiB; one that says why when they can never be
 * read; none when they cannot be read within 10 s. Never throws.
 */
export async function readLastLines(
  { engine, log }: { engine: TailEngine; log: Log },
  containerName: string,
  signal?: AbortSignal,
): Promise<string[]> {
  let logDriver: string | undefined;
  const read = async (limit: AbortSignal) => {
    const container = await engine.inspect(containerName, limit);
    if (container === undefined) return [];
    logDriver = container.logDriver;
    return await engine.readLogs(container.id, { tail: lastLinesCount, tty: container.tty, signal: limit });
  };
  try {
    const lines = await within(readLimitMs, read, { what: "Reading the last lines of a container", signal });
    return lines.flatMap(splitText);
  } catch (error) {
    if (cannotBeRead(error)) return [unreadableText(driverReason(logDriver))];
    log.debug("Cannot read the last lines of a container", { container: containerName, error });
    return [];
  }
}
