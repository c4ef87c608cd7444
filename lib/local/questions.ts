/** What programs on the device may ask the agent: one line of JSON, which is answered with one line of JSON. Pure. */

import { isDict, parseJson } from "../base/json.ts";

/** A question. */
export type Question =
  /** Everything that `reagent status` shows. */
  | { ask: "status" }
  /** Whether the registry takes the login of the device; needs Studio. */
  | { ask: "registryLogin" }
  /** The last lines of a log channel, which may be of an app without a container. */
  | { ask: "history"; channel: string };

/** An answer; `value` is what belongs to the question. Texts are for people. */
export type LocalAnswer = { ok: true; value: unknown } | { ok: false; error: string };

/** Bytes of a question, its line end included. */
export const questionLimitBytes = 4_096;

/** Bytes of an answer: a thousand apps, and as much of a log as Studio gets. */
export const replyLimitBytes = 4 * 1024 * 1024;

const channelLimitChars = 1_000;

/** Reads a question; undefined for anything else. */
export function decodeQuestion(line: string): Question | undefined {
  const value = parseJson(line);
  if (!isDict(value)) return undefined;
  const { ask, channel } = value;
  switch (ask) {
    case "status":
    case "registryLogin":
      return { ask };
    case "history":
      return typeof channel === "string" && channel.length <= channelLimitChars ? { ask, channel } : undefined;
    default:
      return undefined;
  }
}

/** Reads an answer; undefined for anything else. */
export function decodeAnswer(line: string): LocalAnswer | undefined {
  const value = parseJson(line);
  if (!isDict(value)) return undefined;
  if (value.ok === true) return { ok: true, value: value.value };
  return value.ok === false && typeof value.error === "string" ? { ok: false, error: value.error } : undefined;
}
