/** Input and output of a build. */

import type { EmbeddedPart } from "./embedded_parts.ts";

/** What a build needs. */
export interface BuildOptions {
  /** The main module; the permissions come from the deno.json next to it. */
  entry: string;
  /** Where the results go; created when missing. */
  folder: string;
  /** The text of the file `targets`. */
  targets: string;
  /** The environment of the commands. */
  environment: Readonly<Record<string, string>>;
  /** The version of the agent. Without it nothing is put next to the results. */
  version?: string;
  /** What belongs to every executable besides the bundle; nothing when absent. */
  parts?: readonly EmbeddedPart[];
  /** How the results are tried; without it they are not run. */
  trial?: Trial;
  /** Prints a line. */
  say(text: string): void;
}

/** A first run of a result, which must end with 0. */
export interface Trial {
  args: readonly string[];
  /** What it must print, without white space around it; anything when absent. */
  prints?: string;
}
