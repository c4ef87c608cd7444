/** Keeps the newest lines of a log that is read from its start, in a bounded part of memory. Pure. */

import { joinBytes, lineLimitBytes } from "../base/lines.ts";
import { decodeText, type LogLine, timeBytes } from "../docker/log_lines.ts";

/** A line that is kept. */
export class KeptLine {
  #bytes: Uint8Array;
  readonly #textAt: number;
  #rest: Uint8Array[] = [];
  /** Bytes of the line with its time. */
  size: number;
  /** The rest of the line has not come. */
  isOpen: boolean;

  /** Copies a line, or the first piece of one. */
  constructor(line: LogLine) {
    const from = line.stampAt < 0 ? line.from : line.stampAt;
    this.#bytes = line.source.slice(from, line.to);
    this.#textAt = line.from - from;
    this.size = this.#bytes.length;
    this.isOpen = !line.isEnd;
  }

  /** The bytes of its time; none when the engine sent none. */
  get stamp(): Uint8Array {
    return this.#bytes.subarray(0, Math.min(this.#textAt, timeBytes));
  }

  /** Adds the next piece. */
  append(line: LogLine): void {
    const piece = line.source.slice(line.from, line.to);
    this.#rest.push(piece);
    this.size += piece.length;
    this.isOpen = !line.isEnd;
  }

  /** Its text, after its time if that is wanted. */
  text({ timestamps }: { timestamps: boolean }): string {
    this.#bytes = joinBytes([this.#bytes, ...this.#rest], this.size);
    this.#rest = [];
    return decodeText(timestamps ? this.#bytes : this.#bytes.subarray(this.#textAt));
  }
}

/** The newest lines: at most `lines`, and at most `bytes` unless the last line alone has more. */
export class NewestLines {
  readonly #limits: { lines: number; bytes: number };
  readonly #lines: KeptLine[] = [];
  #from = 0;
  #bytes = 0;
  /** Lines that were added, whether or not they are still kept. */
  count = 0;

  constructor(limits: { lines: number; bytes: number }) {
    this.#limits = limits;
  }

  /** The lines that are kept, oldest first. */
  get kept(): KeptLine[] {
    return this.#lines.slice(this.#from);
  }

  /** Adds a line. */
  add(line: KeptLine): void {
    this.#lines.push(line);
    this.count += 1;
    this.#grow(line.size);
  }

  /** Counts what was appended to a line. */
  noteAppended(line: KeptLine, bytes: number): void {
    if (this.#lines.lastIndexOf(line) >= this.#from) this.#grow(bytes);
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    while (this.#isFull) this.#bytes -= this.#lines[this.#from++]?.size ?? 0;
    // Not for each line, because all others move.
    if (this.#from <= this.#limits.lines) return;
    this.#lines.splice(0, this.#from);
    this.#from = 0;
  }

  get #isFull(): boolean {
    const count = this.#lines.length - this.#from;
    return count > 1 && (count > this.#limits.lines || this.#bytes > this.#limits.bytes);
  }
}

/** Puts the pieces of long lines together, up to 1 MiB; a longer line comes in several. */
export class LineJoiner {
  /** At most one for each output of a container. */
  #open: KeptLine[] = [];

  /** Takes a line or a piece of one. Returns the line that it belongs to; `isNew` when it has begun with it. */
  take(line: LogLine): { kept: KeptLine; isNew: boolean } {
    const open = this.#open.find((one) => compareBytes(one.stamp, stampOf(line)) === 0);
    if (open !== undefined) open.append(line);
    const kept = open ?? new KeptLine(line);
    if (open !== undefined || kept.isOpen) this.#note(kept);
    return { kept, isNew: open === undefined };
  }

  #note(kept: KeptLine): void {
    this.#open = this.#open.filter((one) => one !== kept);
    if (kept.isOpen && kept.size < lineLimitBytes) this.#open.push(kept);
  }
}

/** The bytes of a line's time, which tells apart the outputs of a container; none when the engine sent none. */
export function stampOf({ source, stampAt }: LogLine): Uint8Array {
  return stampAt < 0 ? new Uint8Array() : source.subarray(stampAt, stampAt + timeBytes);
}

/** Negative, 0 or positive, as for sorting. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const size = Math.min(a.length, b.length);
  for (let index = 0; index < size; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}
