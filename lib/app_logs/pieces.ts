/**
 * Splits lines that no message can carry into pieces that follow each other, never inside a character. What counts is
 * the size as JSON: 180,000 NUL bytes are more than 1 MiB on the wire. Pure.
 */

import { carriageReturn, lineFeed } from "../base/bytes.ts";
import { jsonBytesPerByte } from "../base/json_size.ts";
import { decodeText, LogLine } from "../docker/log_lines.ts";
import { payloadLimitBytes } from "./batch.ts";

/** Of one piece, as JSON: as much as a message carries. */
const pieceLimitBytes = payloadLimitBytes;

/** Shorter lines fit whatever they hold. */
const safeBytes = Math.floor(pieceLimitBytes / jsonBytesPerByte);

/** The lines, those that are too long for one message in pieces. */
export function splitLines(lines: readonly LogLine[]): readonly LogLine[] {
  return lines.some(({ from, to }) => to - from > safeBytes) ? lines.flatMap(splitLine) : lines;
}

/** A text in pieces that each fit into one message; one piece for most. */
export function splitText(text: string): string[] {
  if (text.length * 3 <= safeBytes) return [text];
  const bytes = new TextEncoder().encode(text);
  const ends = pieceEnds(bytes);
  return ends.length <= 1 ? [text] : ends.map((end, index) => decodeText(bytes.subarray(ends[index - 1] ?? 0, end)));
}

function splitLine(line: LogLine): LogLine[] {
  const { source, stampAt, from, to } = line;
  if (to - from <= safeBytes) return [line];
  const ends = pieceEnds(source.subarray(from, to));
  return ends.map((end, index) =>
    new LogLine(source, { stampAt, from: from + (ends[index - 1] ?? 0), to: from + end })
  );
}

/** Where each piece ends. */
function pieceEnds(bytes: Uint8Array): number[] {
  const highBytes = isUtf8(bytes) ? 1 : replacementBytes;
  const ends: number[] = [];
  let size = 0;
  let from = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const cost = jsonCost(bytes[at] ?? 0, highBytes);
    if (size + cost > pieceLimitBytes) {
      from = characterStart(bytes, { from, at });
      ends.push(from);
      at = from;
      size = 0;
    }
    size += jsonCost(bytes[at] ?? 0, highBytes);
  }
  ends.push(bytes.length);
  return ends;
}

/** Of U+FFFD, which stands for a byte that is not UTF-8. */
const replacementBytes = 3;

const quote = 0x22;
const backslash = 0x5c;
const shortEscapes: ReadonlySet<number> = new Set([0x08, 0x09, lineFeed, 0x0c, carriageReturn]);

function jsonCost(byte: number, highBytes: number): number {
  if (byte >= 0x80) return highBytes;
  if (byte < 0x20) return shortEscapes.has(byte) ? 2 : jsonBytesPerByte;
  return byte === quote || byte === backslash ? 2 : 1;
}

/** The start of the character that holds the byte at `at`; `at` itself when no character is recognized. */
function characterStart(bytes: Uint8Array, { from, at }: { from: number; at: number }): number {
  for (let start = at; start > from && at - start <= 3; start -= 1) {
    const byte = bytes[start] ?? 0;
    if (byte < 0x80 || byte >= 0xc0) return start;
  }
  return at;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    // Some of the bytes are no characters.
    return false;
  }
}
