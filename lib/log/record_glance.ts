/**
 * Reads level and time of a record from its bytes: of a long log most lines are not wanted, and parsing all of them
 * would take ten times as long. Only lines that look exactly as agents write them are read. Pure.
 */

import { rankOf } from "./log_record.ts";

const start = encodeText('{"level":"');
const timeKey = encodeText(',"time":"');
const afterTime = encodeText('","message":"');

/** By their first bytes. */
const knownLevels = new Map(
  ["trace", "debug", "info", "warn", "error", "fatal", "panic"].map((name) => [
    name.charCodeAt(0),
    { bytes: encodeText(`${name}"`), rank: rankOf(name) },
  ]),
);

const recordStart = 0x7b;
const recordEnd = 0x7d;
const quoteByte = 0x22;
const comma = 0x2c;
const escapeByte = 0x5c;
const zero = 0x30;
const dayBytes = 10;
const secondsEnd = 19;
const dot = 0x2e;

/** The facts of the record that was looked at last. */
export class RecordGlance {
  rank = 0;
  timeMs = 0;
  readonly #day = new Uint8Array(dayBytes);
  #dayMs = NaN;

  /** Looks at the line between two places. False when nothing is known of it. */
  look(bytes: Uint8Array, { from, to }: { from: number; to: number }): boolean {
    if (bytes[to - 1] !== recordEnd || !holds(bytes, start, from)) return false;
    const levelAt = from + start.length;
    const level = knownLevels.get(bytes[levelAt] ?? 0);
    if (level === undefined || !holds(bytes, level.bytes, levelAt)) return false;
    this.rank = level.rank;
    const timeAt = findTime(bytes, { from: levelAt + level.bytes.length, to });
    const messageAt = timeAt < 0 ? -1 : this.#readTime(bytes, timeAt);
    return messageAt >= 0 && endOfText(bytes, { from: messageAt, to }) === to - 2;
  }

  /** Returns where the message begins; -1 when it does not follow. */
  #readTime(bytes: Uint8Array, at: number): number {
    const dayMs = this.#readDay(bytes, at);
    const [minute, second] = [pair(bytes, at + 14), pair(bytes, at + 17)];
    const clockMs = ((pair(bytes, at + 11) * 60 + minute) * 60 + second) * 1_000;
    const zone = endOfFraction(bytes, at + secondsEnd);
    const fractionMs = zone === at + secondsEnd ? 0 : fractionOf(bytes, { from: at + secondsEnd + 1, to: zone });
    const isUtc = bytes[zone] === 0x5a;
    const sign = bytes[zone] === 0x2b ? 1 : bytes[zone] === 0x2d ? -1 : NaN;
    const offsetMs = isUtc ? 0 : sign * (pair(bytes, zone + 1) * 60 + pair(bytes, zone + 4)) * 60_000;
    this.timeMs = dayMs + clockMs + fractionMs - offsetMs;
    const hasMarks = bytes[at + 10] === 0x54 && bytes[at + 13] === 0x3a && bytes[at + 16] === 0x3a;
    const isInRange = clockMs < 86_400_000 && minute < 60 && second < 60;
    const end = zone + (isUtc ? 1 : 6);
    const isRead = hasMarks && isInRange && !Number.isNaN(this.timeMs) && holds(bytes, afterTime, end);
    return isRead ? end + afterTime.length : -1;
  }

  /** Neighbours are of the same day. */
  #readDay(bytes: Uint8Array, at: number): number {
    if (!Number.isNaN(this.#dayMs) && holds(bytes, this.#day, at)) return this.#dayMs;
    this.#day.set(bytes.subarray(at, at + dayBytes));
    this.#dayMs = Date.parse(`${new TextDecoder().decode(this.#day)}T00:00:00Z`);
    return this.#dayMs;
  }
}

/**
 * Where the time begins; -1 when it is not found. Of two lines of which power loss has made one, the second one begins
 * in the middle.
 */
function findTime(bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at];
    if (byte === recordStart) return -1;
    if (byte === comma && bytes[at + 2] === timeKey[2] && holds(bytes, timeKey, at)) return at + timeKey.length;
  }
  return -1;
}

/** The quote that ends a text of JSON. */
function endOfText(bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at];
    if (byte === quoteByte) return at;
    if (byte === escapeByte) at += 1;
  }
  return -1;
}

function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Where the zone begins, behind the decimals of the seconds if there are any. */
function endOfFraction(bytes: Uint8Array, from: number): number {
  if (bytes[from] !== dot) return from;
  let at = from + 1;
  while (isDigit(bytes[at])) at += 1;
  return at;
}

/** Decimals of seconds in milliseconds; NaN when there are none. */
function fractionOf(bytes: Uint8Array, { from, to }: { from: number; to: number }): number {
  let ms = from === to ? NaN : 0;
  for (let at = from, weightMs = 100; at < to; at += 1, weightMs /= 10) ms += ((bytes[at] ?? 0) - zero) * weightMs;
  return ms;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= zero + 9;
}

/** Two digits as a number; NaN for anything else. */
function pair(bytes: Uint8Array, at: number): number {
  const tens = (bytes[at] ?? 0) - zero;
  const ones = (bytes[at + 1] ?? 0) - zero;
  return tens < 0 || tens > 9 || ones < 0 || ones > 9 ? NaN : tens * 10 + ones;
}

function holds(bytes: Uint8Array, wanted: Uint8Array, at: number): boolean {
  for (let index = 0; index < wanted.length; index += 1) if (bytes[at + index] !== wanted[index]) return false;
  return true;
}
