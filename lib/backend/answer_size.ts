/**
 * Keeps answers below what those who asked can take: many WAMP clients close the connection at a message of more than
 * 1 MiB. What counts is the size as JSON. Pure.
 */

import { jsonBytes, jsonBytesPerByte, jsonTextBytes } from "../base/json_size.ts";

/**
 * Bytes of a message of the device. It is below 1 MiB by more than what a router adds when it passes the message on:
 * other ids, the topic, and who published or called.
 */
export const messageLimitBytes = 1024 * 1024 - 16 * 1024;

/** Bytes of a list in an answer, so that there is space for what else the message has. */
export const replyListLimitBytes = 1_000_000;

/** Longer texts in the entries of a list are cut when the list is too large. */
const shortTextChars = 256;

/** Of such a text each character is one byte of JSON. Measuring others makes a copy of them. */
const plainText = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

/** What is left of a list. */
export interface FittingList {
  entries: unknown[];
  /** Long texts in the entries were cut. */
  isCut: boolean;
  /** Entries at the end of the list that are missing. */
  leftOut: number;
}

/**
 * The newest of `lines`, the last ones, that fit into an answer. When there are older ones, a line in front counts
 * them.
 */
export function fitNewest(lines: readonly string[], limitBytes: number = replyListLimitBytes): string[] {
  const sizes = lines.map(lineBytes);
  if (sizes.reduce((sum, size) => sum + size, 0) <= limitBytes) return [...lines];
  let start = lines.length;
  let bytes = lineBytes(leftOutText(lines.length));
  while (start > 0) {
    bytes += sizes[start - 1] ?? 0;
    if (bytes > limitBytes) break;
    start -= 1;
  }
  return [leftOutText(start), ...lines.slice(start)];
}

/**
 * The newest of `lines`, the last ones, that fit into an answer, without a word about the others. A line that is too
 * long for any answer comes in pieces.
 */
export function cutToNewest(
  lines: readonly string[],
  limitBytes: number = replyListLimitBytes,
): { lines: string[]; isCut: boolean } {
  const kept: string[] = [];
  let bytes = 0;
  for (let index = lines.length - 1; index >= 0; index -= 1) {
    for (const piece of answerPieces(lines[index] ?? "", limitBytes).reverse()) {
      bytes += lineBytes(piece);
      if (bytes > limitBytes) return { lines: kept.reverse(), isCut: true };
      kept.push(piece);
    }
  }
  return { lines: kept.reverse(), isCut: false };
}

/**
 * The entries of a list that fit into an answer, the first ones first. A list that fits is left as it is; of a larger
 * one long texts are cut, such as the labels of images, before entries are left out.
 */
export function fitFirst(entries: readonly unknown[], limitBytes: number = replyListLimitBytes): FittingList {
  const fits = surelyFits(entries, limitBytes) || totalBytes(entries.map(entryBytes)) <= limitBytes;
  if (fits) return { entries: [...entries], isCut: false, leftOut: 0 };
  const fitting: unknown[] = [];
  let bytes = 0;
  for (const entry of entries.map(cutTexts)) {
    const size = entryBytes(entry);
    if (bytes + size > limitBytes) continue;
    bytes += size;
    fitting.push(entry);
  }
  return { entries: fitting, isCut: true, leftOut: entries.length - fitting.length };
}

/** Keyword arguments that say what is missing in an answer; none when nothing is. */
export function noteOf({ isCut, leftOut }: FittingList): { kwargs?: { truncated: true; left_out: number } } {
  return isCut ? { kwargs: { truncated: true, left_out: leftOut } } : {};
}

/** Most lists are so small that nothing needs to be counted: a character of JSON has three bytes at most. */
function surelyFits(entries: readonly unknown[], limitBytes: number): boolean {
  return 3 * JSON.stringify(entries).length <= limitBytes;
}

/** A line in pieces of which several fit into an answer; one piece for most. */
function answerPieces(line: string, limitBytes: number): string[] {
  if (lineBytes(line) <= limitBytes) return [line];
  const pieceChars = Math.max(1, Math.floor(limitBytes / 2 / jsonBytesPerByte));
  const pieces: string[] = [];
  for (let from = 0; from < line.length;) {
    const isSplitPair = /[\ud800-\udbff]/.test(line.charAt(from + pieceChars - 1));
    const to = from + Math.max(1, pieceChars - (isSplitPair ? 1 : 0));
    pieces.push(line.slice(from, to));
    from = to;
  }
  return pieces;
}

/** With quotes and comma. */
function lineBytes(line: string): number {
  return (plainText.test(line) ? line.length : jsonTextBytes(line)) + 3;
}

function entryBytes(entry: unknown): number {
  return jsonBytes(entry) + 1;
}

function totalBytes(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0);
}

function leftOutText(count: number): string {
  return `… ${count} older line(s) left out (size limit)`;
}

function cutTexts(value: unknown): unknown {
  if (typeof value === "string") return value.length > shortTextChars ? `${value.slice(0, shortTextChars)}…` : value;
  if (Array.isArray(value)) return value.map(cutTexts);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, cutTexts(member)]));
}
