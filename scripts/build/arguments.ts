/** Reads the command line of `deno task build`. Pure. */

import { parseArgs } from "node:util";

/** What the command line asks for. */
export interface BuildArguments {
  bundleOnly: boolean;
  /** Names of targets; empty for all that can be built. */
  names: readonly string[];
}

/** How the task is called. */
export const buildUsage = "Usage: deno task build [--bundle-only | os/arch …]";

/** Reads the arguments of the task; undefined when they are wrong. */
export function readBuildArguments(args: readonly string[]): BuildArguments | undefined {
  try {
    const options = { "bundle-only": { type: "boolean", default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (values["bundle-only"] && positionals.length > 0) return undefined;
    return { bundleOnly: values["bundle-only"], names: [...new Set(positionals)] };
  } catch (error) {
    // The usage says more than the parser.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
