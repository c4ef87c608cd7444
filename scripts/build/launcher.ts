/**
 * Makes the bundle a program of its own: two lines before its code that a POSIX shell runs and that mean nothing to the
 * runtime. The shell looks for an installed runtime and starts it on the same file. Pure.
 */

import { bundleRunFlags } from "./plan.ts";

/** Where a launcher looks for the runtime: here first, then on the path, then in the usual places. */
export const runtimeVariable = "REAGENT_RUNTIME";

/** The status of a launcher that finds no runtime, as a shell's for a missing program. */
const missingStatus = 127;

/**
 * The bundle with its header. `runtime` is one more place to look for the runtime, for a launcher that stays on this
 * machine; it contains no quote and no line feed, else it is left out.
 */
export function withHeader(bundle: string, { runtime }: { runtime?: string } = {}): string {
  const own = runtime === undefined || /["$`\\\n]/.test(runtime) ? [] : [runtime];
  const places = [`$${runtimeVariable}`, "$(command -v deno)", ...own, "/usr/local/bin/deno", "$HOME/.deno/bin/deno"];
  const line = [
    `for runtime in ${places.map((place) => `"${place}"`).join(" ")}`,
    `do [ -x "$runtime" ] && exec "$runtime" ${bundleRunFlags.join(" ")} --ext=js "$0" "$@"`,
    "done",
    `echo "reagent: there is no runtime on this machine; set ${runtimeVariable} to a deno executable" >&2`,
    `exit ${missingStatus}`,
  ].join("; ");
  return `#!/bin/sh\n':' //; ${line}\n${bundle}`;
}

/** Whether a file that begins like this is a launcher, which needs a runtime, and no executable. */
export function isLauncher(head: Uint8Array): boolean {
  return new TextDecoder().decode(head.subarray(0, 16)).startsWith("#!/bin/sh\n':' ");
}
