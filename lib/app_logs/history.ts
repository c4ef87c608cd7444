/** The last lines of one log channel, kept so that a viewer that opens later sees what came before. Pure. */

import { decodeText, type LogLine } from "../docker/log_lines.ts";
import { byteLength } from "./batch.ts";

/** Lines a channel remembers. */
export const historyLines = 100;

/** Bytes a channel remembers, so that a hundred lines of a megabyte each do not fill the device's memory. */
export const historyBytes = 1_048_576;

/** Who wrote a line: the app (or the engine on its behalf), or the agent. */
export type HistoryOrigin = "CONTAINER" | "AGENT";

/** Lines that came together. */
interface Run {
  /** One text, or bytes that are cut at `ends` when somebody asks. */
  content: string | Uint8Array;
  /** Where each line ends, in bytes; the first line begins at 0. */
  ends: readonly number[];
  /** Lines at the front that have gone. */
  gone: number;
  origin: HistoryOrigin;
}

/** Keeps the newest lines: at most `historyLines` and at most `historyBytes`, but always the last one. */
export class History {
  #runs: Run[] = [];
  #size = 0;
  #bytes = 0;

  /** How many lines are kept. */
  get size(): number {
    return this.#size;
  }

  /** True when at least one of the lines was written by the app itself. */
  get hasContainerLine(): boolean {
    return this.#runs.some((run) => run.origin === "CONTAINER");
  }

  /** Adds a line; the oldest go when there are too many. */
  push(text: string, origin: HistoryOrigin): void {
    this.#add({ content: text, ends: [byteLength(text)], gone: 0, origin });
  }

  /** Adds lines of the app. What is kept of them is copied, and not decoded before somebody asks. */
  pushLines(lines: readonly LogLine[]): void {
    const first = firstKept(lines);
    // What was there before is older than lines that find no room.
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
    if (ends.length > 0) this.#add({ content, ends, gone: 0, origin: "CONTAINER" });
  }

  /** The lines, oldest first. */
  texts(): string[] {
    return this.#runs.flatMap(({ content, ends, gone }) => {
      if (typeof content === "string") return [content];
      return ends.slice(gone).map((end, index) => decodeText(content.subarray(ends[gone + index - 1] ?? 0, end)));
    });
  }

  /** Forgets all lines. */
  clear(): void {
    this.#runs = [];
    this.#size = 0;
    this.#bytes = 0;
  }

  #add(run: Run): void {
    this.#runs.push(run);
    this.#size += run.ends.length;
    this.#bytes += (run.ends.at(-1) ?? 0) + run.ends.length;
    while (this.#size > 1 && (this.#size > historyLines || this.#bytes > historyBytes)) this.#dropFirst();
  }

  #dropFirst(): void {
    const [first] = this.#runs;
    if (first === undefined) return;
    this.#bytes -= (first.ends[first.gone] ?? 0) - (first.ends[first.gone - 1] ?? 0) + 1;
    this.#size -= 1;
    first.gone += 1;
    if (first.gone === first.ends.length) this.#runs.shift();
  }
}

/** The first of the lines that a history keeps when nothing else is in it. */
function firstKept(lines: readonly LogLine[]): number {
  let bytes = 0;
  for (let index = lines.length - 1; index >= 0 && index >= lines.length - historyLines; index -= 1) {
    const { from = 0, to = 0 } = lines[index] ?? {};
    bytes += to - from + 1;
    if (bytes > historyBytes) return Math.min(index + 1, lines.length - 1);
  }
  return Math.max(0, lines.length - historyLines);
}

/** The newest of `lines` whose bytes (each line and one more) stay within `limitBytes`; whole lines go, oldest first. */
export function trimFront(lines: readonly string[], limitBytes: number): { lines: string[]; isTrimmed: boolean } {
  let start = lines.length;
  let bytes = 0;
  while (start > 0) {
    bytes += byteLength(lines[start - 1] ?? "") + 1;
    if (bytes > limitBytes) break;
    start -= 1;
  }
  return { lines: lines.slice(start), isTrimmed: start > 0 };
}
