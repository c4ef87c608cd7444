/** What the demo says: numbered headings, plain lines below them, and how long things took. */

import { textOf } from "../../lib/base/errors.ts";

/** Where text goes; `Deno.stdout` for instance. */
export interface Output {
  writeSync(bytes: Uint8Array): number;
}

/** Column in which the times end. */
const width = 100;

const indent = "   ";

/** Writes the demo's lines. Never throws: a reader that has gone must not keep the demo from cleaning up. */
export class Narrator {
  readonly #output: Output;
  readonly #isColored: boolean;
  #number: number;

  /** `after` is the number of the last heading of whoever spoke before. */
  constructor(output: Output, options: { isColored: boolean; after?: number }) {
    this.#output = output;
    this.#isColored = options.isColored;
    this.#number = options.after ?? 0;
  }

  /** Begins the next part. */
  heading(text: string): void {
    this.#number += 1;
    this.plain("");
    this.plain(this.#paint(`${this.#number}. ${text}`, "1"));
  }

  /** Sentences below a heading, in as many lines as they take. */
  say(text: string): void {
    for (const line of wrap(text, width - indent.length)) this.plain(`${indent}${line}`);
  }

  /** A line that somebody else has said: the agent, the app. */
  quote(who: string, text: string): void {
    this.plain(this.#paint(`${indent}${who} | ${text}`, "2"));
  }

  /** Does something, says what came of it and how long it took, and gives it. */
  async timed<T>(work: () => Promise<T>, tell: (made: T) => string): Promise<T> {
    const startedMs = performance.now();
    const made = await work();
    const time = secondsSince(startedMs);
    this.plain(`${indent}${tell(made)} ${time.padStart(width - indent.length - tell(made).length - 1)}`);
    return made;
  }

  /** A line at the margin. */
  plain(text: string): void {
    try {
      let rest = new TextEncoder().encode(`${text}\n`);
      while (rest.length > 0) rest = rest.subarray(this.#output.writeSync(rest));
    } catch {
      // Nobody reads any more; there is nobody to tell.
    }
  }

  #paint(text: string, code: string): string {
    return this.#isColored ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}

/** Breaks a text between words into lines of at most `length`. Pure. */
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
export function narratorOnStdout(options: { after?: number } = {}): Narrator {
  return new Narrator(Deno.stdout, { isColored: Deno.stdout.isTerminal() && !Deno.env.get("NO_COLOR"), ...options });
}

/** `2.1 s`: the time since a reading of `performance.now()`. */
export function secondsSince(startedMs: number): string {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}

/** Why something went wrong, for people; what went wrong first counts, not what cleaning up met after it. */
export function reasonOf(error: unknown): string {
  return error instanceof SuppressedError ? reasonOf(error.suppressed) : textOf(error);
}
