/** The messages between agent and router as debug lines, for `-debugMessaging`. */

import type { Log } from "../base/log.ts";
import { messageTypes } from "../wamp/message.ts";
import { backendProcedures } from "../backend/uris.ts";
import { plainValue } from "./plain_value.ts";
import { mask } from "./hide_by_look.ts";
import type { Secrets } from "./secrets.ts";

/** Logs a message that is received or sent. */
export type WireTrace = (direction: "in" | "out", message: unknown[]) => void;

/** Characters of a message that are shown. */
export const frameLimitChars = 2_048;

/** Calls that are never answered stay remembered; a session never has so many open at a time. */
const rememberedLimit = 1_000;

/** Procedures whose results are secret. */
const secretProcedures: ReadonlySet<unknown> = new Set([
  backendProcedures.getAppCredKey,
  backendProcedures.getRegistryToken,
]);

const names: ReadonlyMap<unknown, string> = new Map(
  Object.entries(messageTypes).map(([name, number]) => [number, name.toUpperCase()]),
);

/**
 * Creates a trace that logs `WAMP message` with `direction`, `kind` and the message as JSON in `frame`, truncated to 2
 * KiB. Signatures, challenges, the results of procedures that return secrets and all `secrets` are masked. A result
 * does not name its procedure, so the trace has to get every message of the connection.
 */
export function createWireTrace(log: Log, secrets: Secrets): WireTrace {
  const secretCalls = new Set<unknown>();
  return (direction, message) => {
    const shown = maskMessage(message, secretCalls);
    const frame = JSON.stringify(plainValue(shown, { secrets, limitChars: frameLimitChars }));
    log.debug("WAMP message", {
      direction,
      kind: names.get(message[0]) ?? "unknown",
      frame: frame.length > frameLimitChars ? `${frame.slice(0, frameLimitChars)}…` : frame,
    });
  };
}

/** A call id is remembered until its last result, also across sessions: masking one result too many does no harm. */
function maskMessage(message: unknown[], secretCalls: Set<unknown>): unknown[] {
  const [kind, second, third, fourth] = message;
  switch (kind) {
    case messageTypes.authenticate:
      return [kind, mask, third];
    case messageTypes.challenge:
      return [kind, second, mask];
    case messageTypes.call:
      if (secretProcedures.has(fourth)) remember(second, secretCalls);
      return message;
    case messageTypes.error:
      if (second === messageTypes.call) secretCalls.delete(third);
      return message;
    case messageTypes.result:
      if (!secretCalls.has(second)) return message;
      if (!isProgress(third)) secretCalls.delete(second);
      return [kind, second, third, mask];
    default:
      return message;
  }
}

function remember(id: unknown, secretCalls: Set<unknown>): void {
  secretCalls.add(id);
  if (secretCalls.size <= rememberedLimit) return;
  for (const oldest of secretCalls) {
    secretCalls.delete(oldest);
    return;
  }
}

function isProgress(details: unknown): boolean {
  return typeof details === "object" && details !== null && "progress" in details && details.progress === true;
}
