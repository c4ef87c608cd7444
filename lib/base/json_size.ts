/** Measures what JSON makes of a value: what is sent is limited by this, not by the length of texts. Pure. */

import { byteLength } from "./byte_length.ts";

/** At most this many bytes of JSON stand for one byte of UTF-8: a control character becomes `\u0000`. */
export const jsonBytesPerByte = 6;

/**
 * The bytes of a text within the quotes of JSON; a lone surrogate counts as at most 8. `utf8Bytes`: the length of the
 * text in UTF-8, where it is known already.
 */
export function jsonTextBytes(text: string, utf8Bytes: number = byteLength(text)): number {
  // Only characters of one byte are escaped, so UTF-8 adds to the JSON what it adds to the text.
  return JSON.stringify(text).length - 2 + utf8Bytes - text.length;
}

/** The bytes of a value as JSON; 0 for one that JSON cannot carry. */
export function jsonBytes(value: unknown): number {
  return byteLength(JSON.stringify(value) ?? "");
}
