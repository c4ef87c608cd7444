/** Which agent this is: its version and the architecture it was built for. */

import project from "../deno.json" with { type: "json" };

/** The version, `MAJOR.MINOR.PATCH`. It stands in deno.json only; `deno task bump` raises it. */
export const agentVersion: string = project.version;

/**
 * The version of the tunnel client that goes with this agent; it has to equal that of the tunnel servers. The module in
 * `scripts/frp/` names the same one, which the gate checks.
 */
export const tunnelClientVersion = "0.70.0";

/** An architecture as image names, download addresses and Studio spell it: `{arch: "amd64", variant: ""}`. */
export interface BuildArch {
  arch: string;
  /** Only 32-bit ARM has one (`v7`), which the runtime does not support. */
  variant: string;
}

/** The architecture of the running executable. `runtimeArch` is the runtime's name of it. */
export function buildArch(runtimeArch: string = Deno.build.arch): BuildArch {
  const names: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };
  return { arch: names[runtimeArch] ?? runtimeArch, variant: "" };
}
