/** What follows from the details of a container. Pure. */

import type { ContainerDetails } from "../../lib/docker/decode.ts";

/** True while it has a process. */
export function isUp(seen: ContainerDetails): boolean {
  return seen.status === "running" || seen.status === "paused";
}

/** A host port of this container that another one has published already. */
export function takenPort(seen: ContainerDetails, all: readonly ContainerDetails[]): number | undefined {
  const taken = new Set(all.filter((other) => other !== seen && isUp(other)).flatMap(hostPorts));
  return hostPorts(seen).find((port) => taken.has(port));
}

/** The host ports that were requested, without those that the engine is to choose. */
function hostPorts(seen: ContainerDetails): number[] {
  return Object.values(seen.portBindings).flat().map(({ hostPort }) => hostPort).filter((port) => port > 0);
}
