/**
 * Names of Wi-Fi networks: up to 32 bytes of anything, and the text by which Studio knows them. Pure.
 *
 * Names in UTF-8 are their own text. In others, and in those that hold NUL or could be mistaken for one of the others,
 * each such byte and each backslash is written `\xNN`: no two names have the same text.
 */

import { AgentError } from "../base/errors.ts";

const ssidLimitBytes = 32;

const escapedByte = /\\x[0-9a-f]{2}/;

const backslashByte = 0x5c;

const ssidEncoder = new TextEncoder();
const ssidDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The text of a name; empty for a hidden one. */
export function ssidText(ssid: Uint8Array): string {
  const text = ssidDecoder.decode(ssid);
  const isPlain = isWellEncoded(ssid) && !ssid.includes(0) && !escapedByte.test(text);
  return isPlain ? text : escaped(ssid);
}

/**
 * The bytes of a name that Studio has sent: what `ssidText()` makes a text of. Throws `bad_request` when it is empty,
 * longer than 32 bytes, or no text.
 */
export function ssidBytes(text: string): Uint8Array {
  const bytes = unescapedSsid(text) ?? ssidEncoder.encode(text);
  if (!text.isWellFormed() || bytes.length === 0 || bytes.length > ssidLimitBytes) {
    throw new AgentError("bad_request", `the name of a wifi network has 1 to ${ssidLimitBytes} bytes`);
  }
  return bytes;
}

/** Whether two names are the same. */
export function isSameSsid(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Valid sequences as they are, but for NUL and backslash; each other byte as `\xNN`. */
function escaped(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at] ?? 0;
    const sequence = bytes.subarray(at, at + sequenceLength(first));
    const isKept = first !== 0 && first !== backslashByte && isWellEncoded(sequence);
    text += isKept ? ssidDecoder.decode(sequence) : `\\x${first.toString(16).padStart(2, "0")}`;
    at += isKept ? sequence.length : 1;
  }
  return text;
}

/** How long a sequence is that begins like this, if it is one at all. */
function sequenceLength(first: number): number {
  if (first < 0xc0) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function isWellEncoded(bytes: Uint8Array): boolean {
  return isSameSsid(ssidEncoder.encode(ssidDecoder.decode(bytes)), bytes);
}

/** The bytes that an escaped text stands for; undefined for one that is just text. */
function unescapedSsid(text: string): Uint8Array | undefined {
  if (!escapedByte.test(text)) return undefined;
  const parts = text.split(/(\\x[0-9a-f]{2})/);
  const bytes = Uint8Array.from(parts.flatMap((part) => {
    return /^\\x[0-9a-f]{2}$/.test(part) ? [parseInt(part.slice(2), 16)] : [...ssidEncoder.encode(part)];
  }));
  // A network may really be called like that.
  return ssidText(bytes) === text ? bytes : undefined;
}
