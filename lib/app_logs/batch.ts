/**
 * Joins log lines into few messages. One message per line once filled the socket's send queue, delayed the keepalive,
 * and made the router drop devices. Lines wait as bytes and are decoded once per message. Pure: the caller has the
 * timer.
 */

import { lineFeed } from "../base/bytes.ts";
import { decodeText, type LogLine } from "../docker/log_lines.ts";
import { byteLength } from "../base/byte_length.ts";
import { jsonBytesPerByte, jsonTextBytes } from "../base/json_size.ts";

/** How long lines are gathered. */
export const flushIntervalMs = 200;

/**
 * Bytes of one message as JSON, without the marker for dropped lines. A router that writes every character above ASCII
 * as an escape makes at most three times as much of it, which is below the 1 MiB that WAMP clients usually take.
 */
export const payloadLimitBytes = 262_144;

/** Bytes that may wait for the next message. */
export const backlogLimitBytes = 1_048_576;

/** First size of the buffer. It grows up to the limit of the backlog, and is freed when nothing waits. */
const firstBufferBytes = 16 * 1024;

/** Gathers the lines of one stream. A line takes its UTF-8 bytes and one more. */
export class Batch {
  /** The lines, each followed by a line feed; those before `#from` have been taken. */
  #bytes = new Uint8Array();
  #from = 0;
  #to = 0;
  /** Where each line ends, after its line feed. */
  #ends: number[] = [];
  #dropped = 0;
  #takenLines = 0;
  /** Bytes of JSON for a byte of the lines, as the last full message had it. */
  #density = 1;

  /** True when there is nothing to send, including a count of dropped lines. */
  get isEmpty(): boolean {
    return this.#ends.length === 0 && this.#dropped === 0;
  }

  /** True when one message cannot carry everything. */
  get isFull(): boolean {
    return this.backlogBytes > payloadLimitBytes;
  }

  /** Bytes that wait. */
  get backlogBytes(): number {
    return this.#to - this.#from;
  }

  /** How many lines the last taken text stands for, including those that its marker counts. */
  get takenLines(): number {
    return this.#takenLines;
  }

  /** Takes a line, or counts it as dropped when the backlog is full. */
  add(text: string): void {
    const size = byteLength(text);
    if (!this.#reserve(size + 1)) return;
    new TextEncoder().encodeInto(text, this.#bytes.subarray(this.#to));
    this.#endLine(size);
  }

  /** Takes a line of a container, or counts it as dropped. Its bytes are copied. */
  addLine({ source, from, to }: LogLine): void {
    if (!this.#reserve(to - from + 1)) return;
    this.#bytes.set(source.subarray(from, to), this.#to);
    this.#endLine(to - from);
  }

  /**
   * Returns everything as one text, lines joined by `\n`; undefined when there is nothing. Lines from the first that
   * does not fit are dropped, and a last line counts those dropped since the previous message.
   */
  take(): string | undefined {
    if (this.isEmpty) return undefined;
    const { text, lines } = this.#readFitting();
    const dropped = this.#dropped + this.#ends.length - lines;
    this.clear();
    return this.#taken({ text, lines, dropped });
  }

  /**
   * Like `take()`, but lines that do not fit stay. Only a line that is too long for any message is dropped. After lines
   * were dropped because the backlog was full nothing stays: later lines must not close the gap.
   */
  takeFitting(): string | undefined {
    if (this.isEmpty || this.#dropped > 0) return this.take();
    const { text, lines } = this.#readFitting();
    // A line that becomes too long as JSON is dropped alone too.
    let next = Math.max(lines, 1);
    while (next < this.#ends.length && this.#lineBytes(next) - 1 > payloadLimitBytes) next += 1;
    this.#from = this.#ends[next - 1] ?? this.#from;
    this.#ends = this.#ends.slice(next);
    if (this.#ends.length === 0) this.clear();
    return this.#taken({ text, lines, dropped: next - lines });
  }

  /** Counts lines as dropped that were taken but could not be sent. */
  countLost(lines: number): void {
    this.#dropped += lines;
  }

  /** Drops all lines and counts. */
  clear(): void {
    this.#bytes = new Uint8Array();
    this.#from = 0;
    this.#to = 0;
    this.#ends = [];
    this.#dropped = 0;
  }

  /** Makes sure that `size` more bytes fit. False when the backlog is full; then the line counts as dropped. */
  #reserve(size: number): boolean {
    const needed = this.backlogBytes + size;
    if (needed > backlogLimitBytes) {
      this.#dropped += 1;
      return false;
    }
    if (this.#to + size > this.#bytes.length) this.#compact(needed);
    return true;
  }

  /** Moves the backlog to the front of a buffer that holds at least `needed` bytes, with space for more. */
  #compact(needed: number): void {
    const waiting = this.#bytes.subarray(this.#from, this.#to);
    if (2 * needed > this.#bytes.length) {
      this.#bytes = new Uint8Array(Math.min(Math.max(2 * needed, firstBufferBytes), backlogLimitBytes));
    }
    this.#bytes.set(waiting);
    const moved = this.#from;
    this.#ends = this.#ends.map((end) => end - moved);
    this.#from = 0;
    this.#to = waiting.length;
  }

  #taken(taken: { text: string; lines: number; dropped: number }): string {
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

  /** The first lines that fit into a message, without the last line feed. */
  #readFitting(): { text: string; lines: number } {
    let limitBytes = Math.min(payloadLimitBytes, Math.floor(payloadLimitBytes / this.#density));
    let lines = this.#ends.length;
    while (lines > 0) {
      // The first line may fit exactly, so it is always tried.
      lines = Math.max(1, this.#countWithin(limitBytes, lines));
      const { text, jsonBytes } = this.#measure(lines);
      const takenBytes = (this.#ends[lines - 1] ?? this.#from) - this.#from + lines;
      if (takenBytes > firstBufferBytes) this.#density = Math.max(1, 1.01 * jsonBytes / takenBytes);
      if (jsonBytes <= payloadLimitBytes) return { text, lines };
      // Lines differ, so this is a guess; it falls short by little where they are alike.
      limitBytes = Math.floor(payloadLimitBytes / this.#density);
      lines -= 1;
    }
    return { text: "", lines: 0 };
  }

  /** How many of the first lines, at most `most`, are within a limit. A line feed is two bytes of JSON. */
  #countWithin(limitBytes: number, most: number): number {
    let lines = 0;
    while (lines < most && (this.#ends[lines] ?? 0) - this.#from + lines <= limitBytes) lines += 1;
    return lines;
  }

  #measure(lines: number): { text: string; jsonBytes: number } {
    const bytes = this.#bytes.subarray(this.#from, (this.#ends[lines - 1] ?? this.#from + 1) - 1);
    try {
      const text = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true }).decode(bytes);
      const isSmall = bytes.length * jsonBytesPerByte <= payloadLimitBytes;
      return { text, jsonBytes: isSmall ? bytes.length : jsonTextBytes(text, bytes.length) };
    } catch {
      // Invalid UTF-8 is decoded to characters of three bytes.
      const text = decodeText(bytes);
      return { text, jsonBytes: jsonTextBytes(text) };
    }
  }
}

function joinMarker(taken: { text: string; lines: number; dropped: number }): string {
  const { text, lines, dropped } = taken;
  if (dropped === 0) return text;
  const marker = `… ${dropped} log line(s) dropped (rate limit)`;
  return lines === 0 ? marker : `${text}\n${marker}`;
}
