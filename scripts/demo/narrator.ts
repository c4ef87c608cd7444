/** Prints the demo's output: numbered headings, plain lines below them, and how long things took. */

import { textOf } from "../../lib/base/errors.ts";
import { escapeForTerminal } from "../../lib/base/quote.ts";

/** The destination of the text, for example `Deno.stdout`. */
export interface Output {
  writeSync(bytes: Uint8Array): number;
}

/** The column in which the times end. */
const width = 100;

const indent = "   ";

/** Prints the demo's lines. Never throws: a closed output must not keep the demo from cleaning up. */
export class Narrator {
  readonly #output: Output;
  readonly #isColored: boolean;
  #number: number;

  /** `after` is the number of the last heading that another process has printed. */
  constructor(output: Output, options: { isColored: boolean; after?: number }) {
    this.#output = output;
    this.#isColored = options.isColored;
    this.#number = options.after ?? 0;
  }

  /** Prints the next heading. */
  heading(text: string): void {
    this.#number += 1;
    this.plain("");
    this.#write(this.#paint(escapeForTerminal(`${this.#number}. ${text}`), "1"));
  }

  /** Prints sentences below a heading, wrapped. */
  say(text: string): void {
    for (const line of wrap(text, width - indent.length)) this.plain(`${indent}${line}`);
  }

  /** Prints a line of the agent or the app. */
  quote(who: string, text: string): void {
    this.#write(this.#paint(escapeForTerminal(`${indent}${who} | ${text}`), "2"));
  }

  /** Runs `work`, prints its result and how long it took, and returns the result. */
  async timed<T>(work: () => Promise<T>, describe: (result: T) => string): Promise<T> {
    const startedMs = performance.now();
    const result = await work();
    const time = secondsSince(startedMs);
    const text = describe(result);
    this.plain(`${indent}${text} ${time.padStart(width - indent.length - text.length - 1)}`);
    return result;
  }

  /** Prints a line without indentation. */
  plain(text: string): void {
    this.#write(escapeForTerminal(text));
  }

  #write(text: string): void {
    try {
      let rest = new TextEncoder().encode(`${text}\n`);
      while (rest.length > 0) rest = rest.subarray(this.#output.writeSync(rest));
    } catch {
      // The output is closed; nobody reads it.
    }
  }

  #paint(text: string, code: string): string {
    return this.#isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** Wraps a text at spaces into lines of at most `length`. Pure. */
export function wrap(text: string, length: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= length) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A narrator on standard output, in colour on a terminal unless NO_COLOR is set. */
export function createNarrator(options: { after?: number } = {}): Narrator {
  return new Narrator(Deno.stdout, { isColored: Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR"), ...options });
}

/** `2.1 s`: the time since a reading of `performance.now()`. */
export function secondsSince(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}

/** The reason of an error for the user; the first error counts, not those of cleaning up. */
export function reasonOf(error: unknown): string {
  return error instanceof SuppressedError ? reasonOf(error.suppressed) : textOf(error);
}
