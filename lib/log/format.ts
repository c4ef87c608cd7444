/** The format of the lines of the agent's own log, in the file and on the console. Pure. */

import { AgentError } from "../base/errors.ts";
import { localTimeText } from "../base/local_time.ts";
import type { Level, LogFields } from "../base/log.ts";
import { escapeText, quoteText } from "../base/quote.ts";
import { framesOf } from "./caller.ts";
import { errorText, plainMember, type PlainValue, plainValue } from "./plain_value.ts";
import type { Secrets } from "./secrets.ts";

/** One record, without secrets and values that JSON cannot carry. */
export interface LogEntry {
  level: Level;
  /** As returned by `plainFields()`. */
  fields: Readonly<Record<string, unknown>>;
  /** `file.ts:12`; undefined when unknown. */
  caller: string | undefined;
  date: Date;
  message: string;
}

/** Characters of one field, and of a message. */
export const fieldLimitChars = 8_192;

/** Characters of all fields of a line: even with every character escaped, far below what log queries read. */
export const recordLimitChars = 65_536;

const fieldNameLimitChars = 256;
const fixedNames: ReadonlySet<string> = new Set(["level", "caller", "time", "message"]);
const shortLevels: Readonly<Record<Level, string>> = {
  trace: "TRC",
  debug: "DBG",
  info: "INF",
  warn: "WRN",
  error: "ERR",
  fatal: "FTL",
  panic: "PNC",
};
const levelColors: Readonly<Partial<Record<Level, string>>> = {
  info: "32",
  warn: "33",
  error: "31",
  fatal: "31",
  panic: "31",
};

/**
 * The fields as they are written: first `error` as text, with `stack` unless it is an `AgentError`, then the others in
 * their order. A field with the name of a fixed part of the line gets an underscore appended.
 */
export function plainFields(fields: LogFields, secrets: Secrets): Record<string, PlainValue> {
  try {
    return Object.fromEntries(renderFields(fields, secrets));
  } catch {
    // A getter of the fields has thrown. The message is still worth a line.
    return { fields: "[unreadable]" };
  }
}

function renderFields(fields: LogFields, secrets: Secrets): [string, PlainValue][] {
  const shown: [string, PlainValue][] = [];
  const taken = new Set(fixedNames);
  let leftChars = recordLimitChars;
  const add = (name: string, value: (limitChars: number) => PlainValue) => {
    if (leftChars <= 0) return;
    const plain = value(Math.min(fieldLimitChars, leftChars));
    leftChars -= sizeOf(plain) + name.length;
    shown.push([name, plain]);
  };
  const { error, ...others } = fields;
  if (error !== undefined) {
    add("error", (limitChars) => errorText(error, { secrets, limitChars }));
    const frames = error instanceof Error && !(error instanceof AgentError) ? framesOf(String(error.stack)) : [];
    if (frames.length > 0) {
      taken.add("stack");
      add("stack", (limitChars) => plainValue(frames, { secrets, limitChars }));
    }
  }
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) continue;
    const shownName = secrets.hideAndCut(taken.has(name) ? `${name}_` : name, fieldNameLimitChars);
    add(shownName, (limitChars) => plainMember(name, value, { secrets, limitChars }));
  }
  return shown;
}

/** The line of the file, with its line feed: an object with `level`, the fields, `caller`, `time` and `message`. */
export function jsonLine(entry: LogEntry): string {
  const members = [`"level":"${entry.level}"`];
  for (const [name, value] of Object.entries(entry.fields)) {
    members.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
  }
  if (entry.caller !== undefined) members.push(`"caller":${JSON.stringify(entry.caller)}`);
  members.push(`"time":"${localTimeText(entry.date)}"`, `"message":${JSON.stringify(entry.message)}`);
  return `{${members.join(",")}}\n`;
}

/** The line of the console, with its line feed: `<time> <level> <caller> > <message> key=value …`, `error` first. */
export function consoleLine(entry: LogEntry, options: { isColored: boolean }): string {
  const paint = (codes: string | undefined, text: string) =>
    options.isColored && codes !== undefined ? `\x1b[${codes}m${text}\x1b[0m` : text;
  const { level, fields, caller, date, message } = entry;
  const isLoud = level !== "trace" && level !== "debug";
  const parts = [
    paint("90", localTimeText(date).slice(0, 19).replace("T", " ")),
    paint(levelColors[level], shortLevels[level]),
  ];
  if (caller !== undefined) parts.push(paint("1", caller));
  parts.push(paint("36", ">"), paint(isLoud ? "1" : undefined, escapeControls(message)));
  for (const name of Object.keys(fields).sort(errorFirst)) {
    const key = paint("36", `${escapeControls(name)}=`);
    parts.push(`${key}${paint(name === "error" ? "1;31" : undefined, consoleValue(fields[name]))}`);
  }
  return `${parts.join(" ")}\n`;
}

function errorFirst(a: string, b: string): number {
  if (a === "error" || b === "error") return a === b ? 0 : a === "error" ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function consoleValue(value: unknown): string {
  if (typeof value !== "string") return escapeControls(JSON.stringify(value ?? null));
  return /[^\x21-\x7e]|["\\]/.test(value) ? quoteText(value) : value;
}

/** Keeps a line on one line, and text from controlling the terminal. */
function escapeControls(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, escapeText);
}

function sizeOf(value: PlainValue): number {
  if (typeof value === "string") return value.length;
  return typeof value === "object" ? JSON.stringify(value).length : String(value).length;
}
