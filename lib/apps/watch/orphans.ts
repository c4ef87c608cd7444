/** Finds containers that the agent has created and that belong to no app any more. Pure. */

import type { ContainerSummary } from "../../docker/decode.ts";
import { parseContainerName } from "../../model/app_names.ts";
import { composeProjectLabel, isMadeByAgent } from "../../model/labels.ts";

/**
 * The containers to remove. `known` are the names that the apps of the device have. A container without the agent's
 * label, or of a compose project, is never removed, whatever its name.
 */
export function orphansAmong(containers: readonly ContainerSummary[], known: ReadonlySet<string>): ContainerSummary[] {
  return containers.filter(({ names, labels }) => {
    if (!isMadeByAgent(labels) || labels[composeProjectLabel] !== undefined) return false;
    return names.some((name) => parseContainerName(name) !== undefined) && !names.some((name) => known.has(name));
  });
}
