/** Builds the tunnel client and a tunnel server for this machine. */

import { buildProgram } from "../../frp/build_program.ts";
import { mustRun } from "../../programs.ts";
import { ownPlatform } from "../../build/target.ts";
import type { PartsFolder } from "./folder.ts";

/** Builds both unless they are there. Throws with the reason on failure. */
export async function installFrp(parts: PartsFolder, say: (text: string) => void): Promise<void> {
  // One after the other: the second has most of its modules compiled already.
  for (const program of ["frpc", "frps"] as const) {
    const path = await buildProgram({ program, platform: ownPlatform() }, { parts, say });
    await mustRun(path, ["--version"]);
  }
}
