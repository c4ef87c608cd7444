/** Finds containers that the agent has created and that belong to no app any more. Pure. */

import type { AppId } from "../../model/app.ts";
import type { ContainerSummary } from "../../docker/decode.ts";
import { ownerOf, type ProjectFolders, projectOwnerOf } from "../../model/owner.ts";

/**
 * The containers to remove. One without the agent's label is never removed, whatever its name; nor is one of a compose
 * project, unless it was made from a file of the agent's; nor one of an app that is known, which may have had another
 * name when it was made.
 */
export function orphansAmong(
  containers: readonly ContainerSummary[],
  known: { isKnown(id: AppId): boolean; folders: ProjectFolders },
): ContainerSummary[] {
  return containers.filter((container) => {
    const owner = ownerOf(container) ?? projectOwnerOf(container, known.folders)?.id;
    return owner !== undefined && !known.isKnown(owner);
  });
}
