/** Keeps the newest lines of a log that is read from its start, in a bounded part of memory. Pure. */

import { lineLimitBytes } from "../base/lines.ts";
import type { LogLine } from "../docker/log_lines.ts";

/** A line that is kept. */
export class KeptLine {
  /** RFC 3339 in UTC with nine decimals; empty when the engine sent none. */
  readonly time: string;
  text: string;
  /** Bytes of its text. */
  size: number;
  /** The rest of the line has not come. */
  isOpen: boolean;

  /** Reads a line, or the first piece of one. */
  constructor(line: LogLine) {
    this.time = line.time;
    this.text = line.text;
    this.size = line.to - line.from;
    this.isOpen = !line.isEnd;
  }

  /** Adds the next piece. */
  append(line: LogLine): void {
    this.text += line.text;
    this.size += line.to - line.from;
    this.isOpen = !line.isEnd;
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
    // Pieces have the time of their line, which tells the outputs of a container apart.
    const open = this.#open.length === 0 ? undefined : this.#open.find(({ time }) => time === line.time);
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
