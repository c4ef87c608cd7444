/** The messages between agent and router as debug lines, for `-debugMessaging`. */

import type { Log } from "../base/log.ts";
import { messageTypes } from "../wamp/message.ts";
import { MaskedText, plainValue } from "./plain_value.ts";
import type { Secrets } from "./secrets.ts";
import { WireMask } from "./wire_mask.ts";

/** Logs a message that is received or sent. */
export type WireTrace = (direction: "in" | "out", message: unknown[]) => void;

/** Characters of a message that are shown. */
export const frameLimitChars = 2_048;

const names: ReadonlyMap<unknown, string> = new Map(
  Object.entries(messageTypes).map(([name, number]) => [number, name.toUpperCase()]),
);

/**
 * Creates a trace that logs `WAMP message` with `direction`, `kind` and the message as JSON in `frame`, truncated to 2
 * KiB. What `WireMask` and `plainValue()` know to be secret and all `secrets` are masked. The trace has to get every
 * message of the connection.
 */
export function createWireTrace(log: Log, secrets: Secrets): WireTrace {
  const wireMask = new WireMask();
  return (direction, message) => {
    const shown = wireMask.apply(message);
    const frame = JSON.stringify(plainValue(shown, { secrets, limitChars: frameLimitChars }));
    log.debug("WAMP message", {
      direction,
      kind: names.get(message[0]) ?? "unknown",
      frame: new MaskedText(frame.length > frameLimitChars ? `${frame.slice(0, frameLimitChars)}…` : frame),
    });
  };
}
