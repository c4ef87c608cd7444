/** The files that an executable carries besides the bundle. */

import type { Target } from "./target.ts";

/** A file of the executable, such as a native addon; one for each platform. */
export interface EmbeddedPart {
  name: string;
  /** The path of the file for a target. */
  fileFor(target: Target): string;
}

/** All of them, in the order in which they are embedded. */
export const embeddedParts: readonly EmbeddedPart[] = [];
