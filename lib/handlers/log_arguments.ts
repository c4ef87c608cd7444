/** Reads the arguments of log queries: numbers of lines, moments, levels. Pure. */

import type { AppLogQuery } from "../app_logs/log_query.ts";
import { AgentError } from "../base/errors.ts";
import { type Dict, isDict } from "../base/json.ts";
import { escapeText } from "../base/quote.ts";
import { parseRfc3339, type TimeWindow } from "../base/rfc3339.ts";
import type { OwnLogQuery } from "../log/own_log_query.ts";

/** Lines of one answer at most. */
export const queryLinesLimit = 5_000;

/** Characters of a moment that is quoted in an error. */
const momentChars = 100;

/** Nanoseconds of the units of durations. */
const units: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  "µs": 1e3,
  "μs": 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
};

/** Longer durations are none: 2^63 nanoseconds, about 292 years. */
const durationLimitNs = 2 ** 63;

/** Lines of an answer about an app when nothing else is asked for. */
const appLines = 200;

/** Likewise about the agent. */
const ownLines = 300;

/** Reads the arguments of `query_app_logs`, whose container name was read already. Throws `bad_request`. */
export function readAppLogQuery(request: unknown, { channel, nowMs }: { channel: string; nowMs: number }): AppLogQuery {
  const fields = isDict(request) ? request : {};
  return {
    channel,
    tail: readTail(fields, appLines),
    offset: readLineCount(fields, "offset"),
    window: readWindow(fields, nowMs),
    timestamps: readSwitch(fields, "timestamps", true),
  };
}

const wordChars = 256;

/** Reads the arguments of `query_device_logs`. Throws `bad_request`. */
export function readOwnLogQuery(request: Dict, nowMs: number): OwnLogQuery {
  return {
    tail: readTail(request, ownLines),
    window: readWindow(request, nowMs),
    level: readWord(request, "level", "info"),
  };
}

function readTail(request: Dict, defaultLines: number): number {
  return Math.min(readLineCount(request, "tail") || defaultLines, queryLinesLimit);
}

/**
 * A whole number from 0 on, also as a decimal text; 0 when it is absent or null. Above 2^53 it is only roughly right,
 * which is more lines than there are anyway.
 */
function readLineCount(request: Dict, field: string): number {
  const value = request[field] ?? 0;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0) return value;
  if (typeof value === "string" && /^\d{1,20}$/.test(value) && Number(value) < 2 ** 64) return Number(value);
  throw new AgentError("bad_request", `the ${field} param should be a non-negative whole number`);
}

/** Durations count back from `nowMs`. */
function readWindow(request: Dict, nowMs: number): TimeWindow {
  const sinceMs = readMoment(request, { field: "since", nowMs });
  const untilMs = readMoment(request, { field: "until", nowMs });
  return { ...(sinceMs === undefined ? {} : { sinceMs }), ...(untilMs === undefined ? {} : { untilMs }) };
}

function readSwitch(request: Dict, field: string, defaultValue: boolean): boolean {
  const value = request[field] ?? defaultValue;
  if (typeof value === "boolean") return value;
  throw new AgentError("bad_request", `the ${field} param should be a boolean`);
}

function readWord(request: Dict, field: string, defaultValue: string): string {
  const value = request[field] ?? defaultValue;
  // One that long is none of the known ones, and would be kept while the query waits.
  if (typeof value === "string") return value.length > wordChars ? defaultValue : value.trim();
  throw new AgentError("bad_request", `the ${field} param should be a string`);
}

/** Undefined when there is no bound. */
function readMoment(request: Dict, { field, nowMs }: { field: string; nowMs: number }): number | undefined {
  const value = request[field] ?? "";
  if (typeof value !== "string") throw new AgentError("bad_request", `the ${field} param should be a string`);
  if (value === "") return undefined;
  const text = value.trim();
  if (text === "") throw new AgentError("bad_request", `invalid ${field}: empty log time`);
  const agoMs = durationMs(text.replace(/^-/, ""));
  const moment = parseRfc3339(text) ?? (agoMs === undefined ? unixMs(text) : nowMs - agoMs);
  if (moment !== undefined) return moment;
  const shown = escapeText(text.length > momentChars ? `${text.slice(0, momentChars)}…` : text);
  throw new AgentError(
    "bad_request",
    `invalid ${field}: "${shown}" is not an RFC3339 time, a Unix timestamp, or a duration`,
  );
}

/** `1h30m`, `1.5h` or `0` in milliseconds; undefined for anything else. */
function durationMs(text: string): number | undefined {
  if (text === "0") return 0;
  if (text.length > momentChars || !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let totalNs = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    totalNs += Number(amount) * (units[unit] ?? 0);
  }
  return totalNs < durationLimitNs ? totalNs / 1e6 : undefined;
}

/** Whole seconds since 1970 in milliseconds; undefined for anything else. */
function unixMs(text: string): number | undefined {
  return /^[-+]?\d{1,19}$/.test(text) && Math.abs(Number(text)) < 2 ** 63 ? Number(text) * 1_000 : undefined;
}
