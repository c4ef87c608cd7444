/**
 * Joins log lines into few messages. One message per line once filled the socket's send queue, delayed the keepalive, and got
 * devices dropped by the router. Lines wait as bytes and are decoded once a message. Pure: the caller brings the timer.
 */

import { lineFeed } from "../base/bytes.ts";
import type { LogLine } from "../docker/log_lines.ts";

/** How long lines are gathered, in milliseconds. */
export const flushIntervalMs = 200;

/** Bytes of one message, the marker of dropped lines not counted. */
export const payloadLimitBytes = 262_144;

/** Bytes that may wait for the next message. */
export const backlogLimitBytes = 1_048_576;

/** What the first lines take; grows up to the limit of the backlog, and is given back when nothing waits. */
const firstRoomBytes = 16 * 1024;

/** Gathers the lines of one stream. A line costs its UTF-8 bytes and one more. */
export class Batch {
  /** The lines, each with a line feed behind it; what lies before `#from` has been taken. */
  #bytes = new Uint8Array();
  #from = 0;
  #to = 0;
  /** Where each line ends, behind its line feed. */
  #ends: number[] = [];
  #dropped = 0;
  #takenLines = 0;

  /** True when there is nothing to send, not even a count of dropped lines. */
  get isEmpty(): boolean {
    return this.#ends.length === 0 && this.#dropped === 0;
  }

  /** True when more waits than one message may carry. */
  get isFull(): boolean {
    return this.backlogBytes > payloadLimitBytes;
  }

  /** Bytes that wait. */
  get backlogBytes(): number {
    return this.#to - this.#from;
  }

  /** Lines that the text taken last stands for, those that its marker counts among them. */
  get takenLines(): number {
    return this.#takenLines;
  }

  /** Takes a line, or counts it as dropped when the backlog is full. */
  add(text: string): void {
    const size = byteLength(text);
    if (!this.#makeRoom(size + 1)) return;
    new TextEncoder().encodeInto(text, this.#bytes.subarray(this.#to));
    this.#endLine(size);
  }

  /** Takes a line of a container, or counts it as dropped. Its bytes are copied. */
  addLine({ source, from, to }: LogLine): void {
    if (!this.#makeRoom(to - from + 1)) return;
    this.#bytes.set(source.subarray(from, to), this.#to);
    this.#endLine(to - from);
  }

  /**
   * Everything that waits as one text, lines joined by `\n`; undefined when there is nothing. From the first line that does not
   * fit on, lines are dropped, and a last line says how many were dropped since the message before.
   */
  take(): string | undefined {
    if (this.isEmpty) return undefined;
    const { text, lines } = this.#readFitting();
    const dropped = this.#dropped + this.#ends.length - lines;
    this.clear();
    return this.#give({ text, lines, dropped });
  }

  /**
   * As much of what waits as one message may carry, as `take()` gives it; the rest stays. A line that no message can carry is
   * dropped by itself. After lines were dropped for want of room nothing stays: what came behind them must not close the gap.
   */
  takeFitting(): string | undefined {
    if (this.isEmpty || this.#dropped > 0) return this.take();
    const { text, lines } = this.#readFitting();
    // A line whose text is too long only once it is decoded goes alone too.
    let next = Math.max(lines, 1);
    while (next < this.#ends.length && this.#lineBytes(next) > payloadLimitBytes) next += 1;
    this.#from = this.#ends[next - 1] ?? this.#from;
    this.#ends = this.#ends.slice(next);
    if (this.#ends.length === 0) this.clear();
    return this.#give({ text, lines, dropped: next - lines });
  }

  /** Counts lines as dropped that were taken and could not be sent. */
  countLost(lines: number): void {
    this.#dropped += lines;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#bytes = new Uint8Array();
    this.#from = 0;
    this.#to = 0;
    this.#ends = [];
    this.#dropped = 0;
  }

  /** False, with the line counted as dropped, when there is none. */
  #makeRoom(size: number): boolean {
    const needed = this.backlogBytes + size;
    if (needed > backlogLimitBytes) {
      this.#dropped += 1;
      return false;
    }
    if (this.#to + size > this.#bytes.length) this.#moveTo(needed);
    return true;
  }

  /** Moves what waits to the front of a buffer in which there is room for `needed` bytes, and for more of the same. */
  #moveTo(needed: number): void {
    const waiting = this.#bytes.subarray(this.#from, this.#to);
    if (2 * needed > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.min(Math.max(2 * needed, firstRoomBytes), backlogLimitBytes));
    }
    this.#bytes.set(waiting);
    const moved = this.#from;
    this.#ends = this.#ends.map((end) => end - moved);
    this.#from = 0;
    this.#to = waiting.length;
  }

  #give(taken: { text: string; lines: number; dropped: number }): string {
    this.#takenLines = taken.lines + taken.dropped;
    return joinMarker(taken);
  }

  #endLine(size: number): void {
    this.#to += size;
    this.#bytes[this.#to++] = lineFeed;
    this.#ends.push(this.#to);
  }

  #lineBytes(index: number): number {
    return (this.#ends[index] ?? this.#to) - (this.#ends[index - 1] ?? this.#from);
  }

  /** The first lines that a message may carry, without the last line feed. */
  #readFitting(): { text: string; lines: number } {
    let lines = 0;
    while (lines < this.#ends.length && (this.#ends[lines] ?? 0) - this.#from <= payloadLimitBytes) lines += 1;
    try {
      return { text: this.#read(lines, new TextDecoder("utf-8", { ignoreBOM: true, fatal: true })), lines };
    } catch {
      // Bytes that are no UTF-8 become characters of three bytes, so fewer lines may fit.
      return this.#readWidened(lines);
    }
  }

  #readWidened(most: number): { text: string; lines: number } {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let lines = 0;
    let size = 0;
    for (; lines < most; lines += 1) {
      const from = this.#ends[lines - 1] ?? this.#from;
      size += byteLength(decoder.decode(this.#bytes.subarray(from, this.#ends[lines])));
      if (size > payloadLimitBytes) break;
    }
    return { text: this.#read(lines, decoder), lines };
  }

  #read(lines: number, decoder: TextDecoder): string {
    const end = this.#ends[lines - 1];
    return end === undefined ? "" : decoder.decode(this.#bytes.subarray(this.#from, end - 1));
  }
}

/** The length of `text` in UTF-8; a lone surrogate counts as the replacement character that stands for it on the wire. */
export function byteLength(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (isPair(text, index)) {
      bytes += 2;
      index += 1;
    } else bytes += 2;
  }
  return bytes;
}

function isPair(text: string, index: number): boolean {
  const high = text.charCodeAt(index);
  const low = text.charCodeAt(index + 1);
  return high >= 0xd800 && high < 0xdc00 && low >= 0xdc00 && low < 0xe000;
}

function joinMarker(taken: { text: string; lines: number; dropped: number }): string {
  const { text, lines, dropped } = taken;
  if (dropped === 0) return text;
  const marker = `… ${dropped} log line(s) dropped (rate limit)`;
  return lines === 0 ? marker : `${text}\n${marker}`;
}
