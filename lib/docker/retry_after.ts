/** What a registry says of when it may be asked again. */

import { AgentError } from "../base/errors.ts";
import { shownHost } from "../http/guarded_fetch.ts";

/** A registry, or its token server, that does not want to be asked for a while: code `registry_busy`. */
export class RegistryBusyError extends AgentError {
  readonly waitMs: number;

  constructor(message: string, waitMs: number) {
    super("registry_busy", message);
    this.waitMs = waitMs;
  }
}

/** The wait after a refusal for too many questions that names none; one that a person would hardly notice. */
export const defaultPauseMs = 25_000;

/** Longer waits are cut to this. */
export const pauseLimitMs = 3_600_000;

/**
 * The error for an answer that asks for a pause: one with status 429, or with 503 and a time to come back. Undefined
 * for any other answer.
 */
export function busyError(response: Pick<Response, "status" | "headers">, url: URL): RegistryBusyError | undefined {
  const { status } = response;
  if (status !== 429 && status !== 503) return undefined;
  const named = readRetryAfter(response.headers);
  if (named === undefined && status === 503) return undefined;
  const waitMs = named ?? defaultPauseMs;
  const seconds = Math.ceil(waitMs / 1_000);
  return new RegistryBusyError(
    `Registry ${shownHost(url)} asks for a pause of ${seconds} s (status ${status})`,
    waitMs,
  );
}

/** True when the text of an engine says that a registry has refused it for too many questions. */
export function isRateLimit(engineText: string): boolean {
  return /toomanyrequests|too many requests|(?:status|code|http):? 429\b/i.test(engineText);
}

/** True when the text of an engine says that a registry cannot answer at the moment, for whatever reason. */
export function isBusy(engineText: string): boolean {
  return isRateLimit(engineText) || /service unavailable|(?:status|code|http):? 503\b/i.test(engineText);
}

/**
 * The wait that `Retry-After` names, in seconds or as a date, in milliseconds from now; undefined without one. A date
 * is compared with that of the answer, because the clock of a device may be wrong.
 */
export function readRetryAfter(headers: Headers, now = new Date()): number | undefined {
  const text = (headers.get("retry-after") ?? "").trim();
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1_000), pauseLimitMs);
  // The runtime takes almost any text with a number for a date.
  const end = /\d\d:\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(end)) return undefined;
  const sent = Date.parse(headers.get("date") ?? "");
  return Math.min(Math.max(end - (Number.isNaN(sent) ? now.getTime() : sent), 0), pauseLimitMs);
}
