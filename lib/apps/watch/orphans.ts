/** Finds containers that the agent has created and that belong to no app any more. Pure. */

import type { AppId } from "../../model/app.ts";
import type { ContainerSummary } from "../../docker/decode.ts";
import { ownerOf } from "../../model/owner.ts";

/**
 * The containers to remove. A container without the agent's label, or of a compose project, is never removed, whatever
 * its name; nor is one of an app that is known, which may have had another name when it was made.
 */
export function orphansAmong(
  containers: readonly ContainerSummary[],
  isKnown: (id: AppId) => boolean,
): ContainerSummary[] {
  return containers.filter((container) => {
    const owner = ownerOf(container);
    return owner !== undefined && !isKnown(owner);
  });
}
