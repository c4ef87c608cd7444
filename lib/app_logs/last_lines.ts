/** Reads the end of a container's log. */

import { within } from "../async/deadline.ts";
import type { Log } from "../base/log.ts";
import type { FollowEngine } from "./follower.ts";
import { historyBytes, trimFront } from "./history.ts";

/** What is needed of the engine. */
export interface TailEngine extends Pick<FollowEngine, "inspect"> {
  /**
   * The last lines of a container, without times. Throws `container_missing`, `engine_unreachable`, `engine_failed`.
   */
  readLogs(id: string, options: { tail: number; tty: boolean; signal: AbortSignal }): Promise<string[]>;
}

const lastLinesCount = 50;

const readLimitMs = 10_000;

/** The last 50 lines of a container, at most 1 MiB; empty when they cannot be read within 10 s. Never throws. */
export async function readLastLines(
  { engine, log }: { engine: TailEngine; log: Log },
  containerName: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const read = async (limit: AbortSignal) => {
    const container = await engine.inspect(containerName, limit);
    if (container === undefined) return [];
    return await engine.readLogs(container.id, { tail: lastLinesCount, tty: container.tty, signal: limit });
  };
  try {
    const lines = await within(readLimitMs, read, { what: "Reading the last lines of a container", signal });
    return trimFront(lines, historyBytes).lines;
  } catch (error) {
    log.debug("Cannot read the last lines of a container", { container: containerName, error });
    return [];
  }
}
