/** Turns the events of a log topic into readable lines. Pure. */

import { isDict, parseJson } from "../../lib/base/json.ts";

/** The lines of one event, whose first argument is text, a message of the agent, or the progress of an upload. */
export function linesOf(args: readonly unknown[]): string[] {
  const content = args[0];
  if (typeof content === "string") return content.split("\n");
  if (!isDict(content)) return [];
  if (typeof content.chunk === "string") return [content.chunk === "LOGGER_CLEAR" ? "--- cleared ---" : content.chunk];
  return typeof content.status === "string" ? [`${content.id}: ${content.status} ${content.progress}`] : [];
}

/**
 * What people read of a line, which may be one of a build, a pull or a push: the engine's own JSON. Undefined for mere
 * progress.
 */
export function readableText(line: string): string | undefined {
  const value = line.startsWith("{") ? parseJson(line) : undefined;
  if (!isDict(value)) return line;
  const { stream, status, error, id } = value;
  const text = [stream, error, id === undefined ? status : undefined].find((one) => typeof one === "string");
  return typeof text === "string" && text.trim() !== "" ? text.trimEnd() : undefined;
}

/** The channel of an app: `prod_42_shop`. */
export function channelOf({ appKey, appName, stage }: { appKey: number; appName: string; stage: string }): string {
  return `${stage}_${appKey}_${appName}`.toLowerCase();
}
