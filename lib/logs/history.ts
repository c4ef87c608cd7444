/** The last lines of one log channel, kept so that a viewer that opens later sees what came before. Pure. */

import { byteLength } from "./batch.ts";

/** Lines a channel remembers. */
export const historyLines = 100;

/** Bytes a channel remembers, so that a hundred lines of a megabyte each do not fill the device's memory. */
export const historyBytes = 1_048_576;

/** Who wrote a line: the app (or the engine on its behalf), or the agent. */
export type Origin = "CONTAINER" | "AGENT";

interface Entry {
  text: string;
  origin: Origin;
  cost: number;
}

/** Keeps the newest lines: at most `historyLines` and at most `historyBytes`, but always the last one. */
export class History {
  #entries: Entry[] = [];
  #bytes = 0;

  /** How many lines are kept. */
  get size(): number {
    return this.#entries.length;
  }

  /** True when at least one of the lines was written by the app itself. */
  get hasContainerLine(): boolean {
    return this.#entries.some((entry) => entry.origin === "CONTAINER");
  }

  /** Adds a line; the oldest go when there are too many. */
  push(text: string, origin: Origin): void {
    const cost = byteLength(text) + 1;
    this.#entries.push({ text, origin, cost });
    this.#bytes += cost;
    while (this.#entries.length > 1 && (this.#entries.length > historyLines || this.#bytes > historyBytes)) {
      this.#bytes -= this.#entries.shift()?.cost ?? 0;
    }
  }

  /** The lines, oldest first. */
  texts(): string[] {
    return this.#entries.map((entry) => entry.text);
  }

  /** Forgets all lines. */
  clear(): void {
    this.#entries = [];
    this.#bytes = 0;
  }
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
