/** Creates the area for questions of the device. What it answers from is loaded when it opens. */

import { createLocal, type Local } from "../local/local.ts";
import type { LocalAreas } from "./local_deps.ts";
import type { Site } from "./site.ts";

/** Creates it; it ends with the agent. */
export function localOf(site: Site, areas: LocalAreas): Local {
  const { foundation: { clock, log }, stack } = site;
  const load = async () => (await import("./local_deps.ts")).localDeps(site, areas);
  return stack.use(createLocal({ load, clock, log }));
}
