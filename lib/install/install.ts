/** Makes the agent a service of the machine: `reagent service …`. Loaded only then. */

import type { LineOutput } from "../base/subcommand.ts";

/** Runs `reagent service <args>` and returns the exit code. */
export function runService(_args: readonly string[], { complain }: LineOutput): Promise<number> {
  complain(
    Deno.build.os === "windows"
      ? "the 'service' subcommand is not available in this version"
      : "the 'service' subcommand is only supported on Windows",
  );
  return Promise.resolve(1);
}
