/** The last lines of one log channel, for viewers that open later. Pure. */

import { decodeText, type LogLine } from "../docker/log_lines.ts";
import { byteLength } from "../base/byte_length.ts";

/** Lines of a history. */
export const historyLines = 100;

/** Bytes of a history, so that a hundred lines of a megabyte each do not fill the device's memory. */
export const historyBytes = 1_048_576;

/** Who wrote a line: the app (or the engine on its behalf), or the agent. */
export type HistoryOrigin = "CONTAINER" | "AGENT";

/** Lines that were added together. */
interface LineBlock {
  /** One line, or the bytes of all lines, split at `ends` when they are read. */
  content: string | Uint8Array;
  /** Where each line ends, in bytes. */
  ends: readonly number[];
  /** Lines at the front that were dropped. */
  dropped: number;
  origin: HistoryOrigin;
}

/** Keeps the newest lines: at most `historyLines` and at most `historyBytes`, but always the last one. */
export class History {
  #blocks: LineBlock[] = [];
  #size = 0;
  #bytes = 0;

  /** How many lines are kept. */
  get size(): number {
    return this.#size;
  }

  /** True when at least one of the lines was written by the app itself. */
  get hasContainerLine(): boolean {
    return this.#blocks.some((block) => block.origin === "CONTAINER");
  }

  /** Adds a line; the oldest are dropped when there are too many. */
  push(text: string, origin: HistoryOrigin): void {
    this.#add({ content: text, ends: [byteLength(text)], dropped: 0, origin });
  }

  /** Adds lines of the app. Those that are kept are copied, and decoded when they are read. */
  pushLines(lines: readonly LogLine[]): void {
    const first = firstKept(lines);
    // Earlier lines are older than those that do not fit.
    if (first > 0) this.clear();
    const kept = lines.slice(first);
    const content = new Uint8Array(kept.reduce((size, { from, to }) => size + to - from, 0));
    const ends: number[] = [];
    let at = 0;
    for (const { source, from, to } of kept) {
      content.set(source.subarray(from, to), at);
      at += to - from;
      ends.push(at);
    }
    if (ends.length > 0) this.#add({ content, ends, dropped: 0, origin: "CONTAINER" });
  }

  /** The lines, oldest first. */
  texts(): string[] {
    return this.#blocks.flatMap(({ content, ends, dropped }) => {
      if (typeof content === "string") return [content];
      return ends.slice(dropped).map((end, index) => decodeText(content.subarray(ends[dropped + index - 1] ?? 0, end)));
    });
  }

  /** Forgets all lines. */
  clear(): void {
    this.#blocks = [];
    this.#size = 0;
    this.#bytes = 0;
  }

  #add(block: LineBlock): void {
    this.#blocks.push(block);
    this.#size += block.ends.length;
    this.#bytes += (block.ends.at(-1) ?? 0) + block.ends.length;
    while (this.#size > 1 && (this.#size > historyLines || this.#bytes > historyBytes)) this.#dropFirst();
  }

  #dropFirst(): void {
    const [first] = this.#blocks;
    if (first === undefined) return;
    this.#bytes -= (first.ends[first.dropped] ?? 0) - (first.ends[first.dropped - 1] ?? 0) + 1;
    this.#size -= 1;
    first.dropped += 1;
    if (first.dropped === first.ends.length) this.#blocks.shift();
  }
}

/** The index of the first line that an empty history would keep. */
function firstKept(lines: readonly LogLine[]): number {
  let bytes = 0;
  for (let index = lines.length - 1; index >= 0 && index >= lines.length - historyLines; index -= 1) {
    const { from = 0, to = 0 } = lines[index] ?? {};
    bytes += to - from + 1;
    if (bytes > historyBytes) return Math.min(index + 1, lines.length - 1);
  }
  return Math.max(0, lines.length - historyLines);
}
