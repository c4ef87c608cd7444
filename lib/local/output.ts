/** What a command works with, and how it writes. */

import { escapeForTerminal } from "../base/quote.ts";
import type { HostPlatform } from "../flags/defaults.ts";

/** A stream of the process. */
export interface Output {
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

/** What a command works with. */
export interface CommandSite {
  platform: HostPlatform;
  stdout: Output;
  stderr: Output;
}

/** Everything that a terminal could act on. */
const unsafeInJson = /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\n]/gu;

/** Writes a text. False when nobody reads the other end. */
export function writeText(output: Output, text: string): boolean {
  try {
    const bytes = new TextEncoder().encode(text);
    for (let written = 0; written < bytes.length;) written += output.writeSync(bytes.subarray(written));
    return true;
  } catch {
    // The reader is gone, as `head` is when it has enough.
    return false;
  }
}

/** Prints a line or more for people, and returns the exit code `code`. Foreign text in it is escaped here. */
export function printText(output: Output, text: string, { code }: { code: number }): number {
  return writeText(output, `${escapeForTerminal(text)}\n`) ? code : 1;
}

/** Prints a value as JSON in which no character can act on a terminal; returns `code`. */
export function printJson(output: Output, value: unknown, { code }: { code: number }): number {
  const text = JSON.stringify(value, null, 2).replace(unsafeInJson, (character) => {
    return Array.from({ length: character.length }, (_, index) => {
      return `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
    }).join("");
  });
  return writeText(output, `${text}\n`) ? code : 1;
}
