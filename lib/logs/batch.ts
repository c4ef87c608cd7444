/**
 * Joins log lines into few messages. One message per line once filled the socket's send queue, delayed the keepalive, and got
 * devices dropped by the router. Pure: the caller brings the timer.
 */

/** How long lines are gathered, in milliseconds. */
export const flushIntervalMs = 200;

/** Bytes of one message, the marker of dropped lines not counted. */
export const payloadLimitBytes = 262_144;

/** Bytes that may wait for the next message. */
export const backlogLimitBytes = 1_048_576;

/** Gathers the lines of one stream. A line costs its UTF-8 bytes and one more. */
export class Batch {
  #lines: { text: string; cost: number }[] = [];
  #bytes = 0;
  #dropped = 0;

  /** True when there is nothing to send, not even a count of dropped lines. */
  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#dropped === 0;
  }

  /** Bytes that wait. */
  get backlogBytes(): number {
    return this.#bytes;
  }

  /** Takes a line, or counts it as dropped when the backlog is full. */
  add(text: string): void {
    const cost = byteLength(text) + 1;
    if (this.#bytes + cost > backlogLimitBytes) {
      this.#dropped += 1;
      return;
    }
    this.#lines.push({ text, cost });
    this.#bytes += cost;
  }

  /**
   * Everything that waits as one text, lines joined by `\n`; undefined when there is nothing. From the first line that does not
   * fit on, lines are dropped, and a last line says how many were dropped since the message before.
   */
  take(): string | undefined {
    if (this.isEmpty) return undefined;
    const taken: string[] = [];
    let bytes = 0;
    for (const { text, cost } of this.#lines) {
      if (bytes + cost > payloadLimitBytes) break;
      bytes += cost;
      taken.push(text);
    }
    const dropped = this.#dropped + this.#lines.length - taken.length;
    if (dropped > 0) taken.push(`… ${dropped} log line(s) dropped (rate limit)`);
    this.clear();
    return taken.join("\n");
  }

  /** Forgets what waits. */
  clear(): void {
    this.#lines = [];
    this.#bytes = 0;
    this.#dropped = 0;
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
