/** WAMP messages as text: type codes, encoding that never breaks the connection, decoding that never throws. */

import { parseWithExactNumbers } from "../base/exact_numbers.ts";
import { AgentError } from "../base/errors.ts";

/** Message types of the WAMP standard. */
export const messageTypes = {
  hello: 1,
  welcome: 2,
  abort: 3,
  challenge: 4,
  authenticate: 5,
  goodbye: 6,
  error: 8,
  publish: 16,
  published: 17,
  subscribe: 32,
  subscribed: 33,
  unsubscribe: 34,
  unsubscribed: 35,
  event: 36,
  call: 48,
  cancel: 49,
  result: 50,
  register: 64,
  registered: 65,
  unregister: 66,
  unregistered: 67,
  invocation: 68,
  interrupt: 69,
  yield: 70,
} as const;

/** Routers disconnect a peer that sends a bigger frame. */
export const outboundLimitBytes = 16 * 1024 * 1024;

/** No valid message is bigger than what a router accepts plus its own additions. */
export const inboundLimitBytes = 32 * 1024 * 1024;

/**
 * The text of a message. Characters that UTF-8 cannot carry (lone surrogates) and a NUL at the beginning of a string
 * become U+FFFD, because a router that cannot re-encode them, or takes them for binary data, ends the connection.
 * Throws `bad_request` when a value cannot be serialised or the frame would be above the limit; only this message is
 * lost then.
 */
export function encodeMessage(message: unknown[], limitBytes: number = outboundLimitBytes): string {
  let text: string;
  try {
    text = JSON.stringify(message);
  } catch (error) {
    throw new AgentError("bad_request", "Cannot send message: it holds a value that JSON cannot carry", {
      cause: error,
    });
  }
  const withoutNuls = text.includes('"\\u0000') ? replaceLeadingNuls(text) : text;
  const wellFormed = withoutNuls.includes("\\ud") ? replaceLoneSurrogates(withoutNuls) : withoutNuls;
  const isTooBig = wellFormed.length > limitBytes ||
    (wellFormed.length > limitBytes / 3 && new TextEncoder().encode(wellFormed).length > limitBytes);
  if (isTooBig) {
    throw new AgentError("bad_request", `Cannot send message: its frame is above the limit of ${limitBytes} bytes`);
  }
  return wellFormed;
}

/** The list in a text frame, or undefined when it is not a JSON list that begins with a number. */
export function decodeMessage(text: string): unknown[] | undefined {
  try {
    const value = parseWithExactNumbers(text);
    return Array.isArray(value) && typeof value[0] === "number" ? value : undefined;
  } catch {
    // Not JSON: the caller closes the connection.
    return undefined;
  }
}

/**
 * In WAMP a leading NUL marks a string as base64 of binary data; a router that cannot decode the rest ends the
 * connection. Only a quote that opens a string can follow one of these characters and precede a backslash.
 */
function replaceLeadingNuls(text: string): string {
  return text.replace(/(?<=[[{,:])"\\u0000/g, '"\\ufffd');
}

/** JSON.stringify writes lone surrogates, and nothing else, as lower-case `\ud8…` to `\udf…` after unescaped text. */
function replaceLoneSurrogates(text: string): string {
  return text.replace(/(?<=(?:^|[^\\])(?:\\\\)*)\\ud[89a-f][0-9a-f]{2}/g, "\\ufffd");
}
