/** Writes lines for people. What others have said may stand in them, so a terminal gets nothing that it would obey. */

import { escapeForTerminal } from "../lib/base/quote.ts";

/** Where lines go: `Deno.stdout` for instance. */
export interface LineOutput {
  writeSync(bytes: Uint8Array): number;
  isTerminal(): boolean;
}

/**
 * A function that writes one line. On a terminal all characters that control it are escaped; a file or a pipe gets the
 * line as it is, because programs read it.
 */
export function createLineWriter(output: LineOutput): (line: string) => void {
  const isTerminal = output.isTerminal();
  return (line) => {
    let rest = new TextEncoder().encode(`${isTerminal ? escapeForTerminal(line) : line}\n`);
    while (rest.length > 0) rest = rest.subarray(output.writeSync(rest));
  };
}
