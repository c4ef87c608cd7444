/** The messages between agent and router as debug lines, for `-debugMessaging`. */

import type { Log } from "../base/log.ts";
import { messageTypes } from "../wamp/message.ts";
import { backendProcedures } from "../backend/uris.ts";
import { plainValue } from "./plain_value.ts";
import { mask, type Secrets } from "./redact.ts";

/** Called with every message as it passes. */
export type WireTrace = (direction: "in" | "out", message: unknown[]) => void;

/** Characters of a message that are shown. */
export const frameLimitChars = 2_048;

/** A call that is never answered stays noted; this many are far more than a session has under way. */
const notedLimit = 1_000;

/** Their results are nothing but secrets. */
const secretProcedures: ReadonlySet<unknown> = new Set([
  backendProcedures.getAppCredKey,
  backendProcedures.getRegistryToken,
]);

const names: ReadonlyMap<unknown, string> = new Map(
  Object.entries(messageTypes).map(([name, number]) => [number, name.toUpperCase()]),
);

/**
 * Makes a trace that writes `WAMP message` with `direction`, `kind` and the message as JSON in `frame`, cut at 2 KiB. Signatures,
 * challenges and the results of procedures that hand out secrets are masked, and so is what `secrets` knows. A result names no
 * procedure, so the trace has to see every message of the connection, the calls too.
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

/** A call id stays noted until its last answer, also across sessions: masking one result too many does no harm. */
function maskMessage(message: unknown[], secretCalls: Set<unknown>): unknown[] {
  const [kind, second, third, fourth] = message;
  switch (kind) {
    case messageTypes.authenticate:
      return [kind, mask, third];
    case messageTypes.challenge:
      return [kind, second, mask];
    case messageTypes.call:
      if (secretProcedures.has(fourth)) note(second, secretCalls);
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

function note(id: unknown, secretCalls: Set<unknown>): void {
  secretCalls.add(id);
  if (secretCalls.size <= notedLimit) return;
  for (const oldest of secretCalls) {
    secretCalls.delete(oldest);
    return;
  }
}

function isProgress(details: unknown): boolean {
  return typeof details === "object" && details !== null && "progress" in details && details.progress === true;
}
