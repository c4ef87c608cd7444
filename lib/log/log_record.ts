/** Reads the lines of the agent's own log, as this agent and older ones have written them. Pure. */

import { isDict, parseJson } from "../base/json.ts";
import { parseRfc3339, utcSecondsText } from "../base/rfc3339.ts";

/** A record of the log. */
export interface LogRecord {
  /** Milliseconds since 1970; undefined when the record has no time that can be read. */
  timeMs: number | undefined;
  rank: number;
  /** For people: `2031-03-05T07:00:00Z ERROR unable to start: no route`. */
  text: string;
}

const ranks: Readonly<Record<string, number>> = {
  trace: 0,
  debug: 1,
  info: 2,
  warn: 3,
  error: 4,
  fatal: 5,
  panic: 6,
};

/** Of lines whose level is not known. */
export const plainRank = 2;

/** The rank of a level, the higher the worse; that of `info` for an unknown one. */
export function rankOf(level: string): number {
  const name = level.toLowerCase();
  return Object.hasOwn(ranks, name) ? ranks[name] ?? plainRank : plainRank;
}

/** The record of a line; undefined for a line that is none, such as one of a stack. */
export function readRecord(line: string): LogRecord | undefined {
  const value = parseJson(line);
  if (!isDict(value)) return undefined;
  const [level, time, message, error] = [value.level, value.time, value.message, value.error].map((one) => one ?? "");
  if (typeof level !== "string" || typeof time !== "string") return undefined;
  if (typeof message !== "string" || typeof error !== "string") return undefined;
  if (level === "" && time === "" && message === "") return undefined;
  const timeMs = parseRfc3339(time);
  const stamp = timeMs === undefined ? "" : utcSecondsText(timeMs);
  const text = [stamp, level.toUpperCase(), message].filter((part) => part !== "").join(" ");
  return { timeMs, rank: rankOf(level), text: error === "" ? text : `${text}: ${error}` };
}
