/** Reads the end of the log of an app: of its container, or of all containers of its compose project. */

import { within } from "../async/deadline.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { parseContainerName, projectLabelOf, shownContainerName } from "../model/app_names.ts";
import type { FollowEngine } from "./follower.ts";
import { splitText } from "./pieces.ts";
import { servicesLimit } from "./project_follower.ts";
import { servicePrefix } from "./service_lines.ts";
import { cannotBeRead, driverReason, unreadableText } from "./unreadable.ts";

/** What is needed of the engine. */
export interface TailEngine extends Pick<FollowEngine, "inspect"> {
  /**
   * The last lines of a container, without times. Throws `container_missing`, `engine_unreachable`, `engine_failed`.
   */
  readLogs(
    id: string,
    options: { tail: number; tty: boolean | undefined; hasTimes?: boolean; signal: AbortSignal },
  ): Promise<string[]>;
  /** The containers of a compose project, running or not. */
  listProject(project: string, signal: AbortSignal): Promise<{ id: string; names: readonly string[] }[]>;
}

const lastLinesCount = 50;

const readLimitMs = 10_000;

/**
 * The last 50 lines of a container, or when there is none of the project of the app, long ones in pieces, at most about
 * 4 MiB; one that says why when they can never be read; none when they cannot be read within 10 s. Never throws.
 */
export async function readLastLines(
  { engine, log }: { engine: TailEngine; log: Log },
  containerName: string,
  signal?: AbortSignal,
): Promise<string[]> {
  let logDriver: string | undefined;
  const read = async (limit: AbortSignal) => {
    const container = await engine.inspect(containerName, limit);
    if (container === undefined) return await readProject(engine, containerName, limit);
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

/** In the order of their times, each with the name of its container before it. */
async function readProject(engine: TailEngine, containerName: string, signal: AbortSignal): Promise<string[]> {
  const app = parseContainerName(containerName);
  if (app === undefined) return [];
  const project = projectLabelOf(app);
  const listed = (await engine.listProject(project, signal)).slice(0, servicesLimit);
  const names = listed.map(({ id, names: [name = id] }) => shownContainerName(name, project));
  const width = Math.max(...names.map(({ length }) => length), 0);
  const logs = await Promise.all(listed.map(async ({ id }, index) => {
    const prefix = servicePrefix(names[index] ?? id, width);
    return (await readStamped(engine, id, signal)).map(({ time, text }) => ({ time, text: prefix + text }));
  }));
  const inOrder = logs.flat().sort((a, b) => a.time < b.time ? -1 : a.time > b.time ? 1 : 0);
  return inOrder.slice(-lastLinesCount).map(({ text }) => text);
}

/** None of a container that is gone or whose log cannot be read: the others count. */
async function readStamped(
  engine: TailEngine,
  id: string,
  signal: AbortSignal,
): Promise<{ time: string; text: string }[]> {
  try {
    const container = await engine.inspect(id, signal);
    if (container === undefined) return [];
    const options = { tail: lastLinesCount, tty: container.tty, hasTimes: true, signal };
    return (await engine.readLogs(id, options)).map((line) => {
      const space = line.indexOf(" ");
      return { time: line.slice(0, space), text: line.slice(space + 1) };
    });
  } catch (error) {
    if (hasCode(error, "container_missing") || cannotBeRead(error)) return [];
    throw error;
  }
}
