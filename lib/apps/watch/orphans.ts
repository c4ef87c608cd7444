/** Finds containers that the agent has made and that belong to no app any more. Pure. */

import type { ContainerSummary } from "../../docker/engine.ts";

/** Containers of apps have this name; everything else on the engine is none of ours. */
const appContainer = /^(dev|prod)_[0-9]+_.+$/;

/**
 * The containers to remove. `known` are the names that the apps of the device have. A container without the agent's label, or
 * of a compose project, is never touched, whatever its name.
 */
export function orphansAmong(containers: readonly ContainerSummary[], known: ReadonlySet<string>): ContainerSummary[] {
  return containers.filter(({ names, labels }) => {
    if (labels["real"] !== "True" || labels["com.docker.compose.project"] !== undefined) return false;
    return names.some((name) => appContainer.test(name)) && !names.some((name) => known.has(name));
  });
}
