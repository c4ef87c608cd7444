/** What follows from the details of a container, and what lists have. Pure. */

import type { ContainerDetails, ContainerSummary, ImageSummary } from "../../lib/docker/decode.ts";

/** After SIGKILL. */
export const killedExitCode = 137;

/** How the engine spells a time that has not come yet. */
export const longAgo = "0001-01-01T00:00:00Z";

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

/** A container as the list has it. */
export function listed(seen: ContainerDetails): ContainerSummary {
  const { id, name, status: state, image, imageId, labels, portBindings, exitCode, health } = seen;
  return {
    ...{ id, names: [name], state, image, imageId, labels, published: state === "running" ? portBindings : {} },
    ...(state === "exited" ? { exitCode } : {}),
    ...(state === "running" && health !== undefined ? { health: health.status } : {}),
  };
}

/** An image as the list has it; its tag is its id. */
export function listedImage(tag: string): ImageSummary {
  const unknown = { created: undefined, size: undefined, sharedSize: undefined, virtualSize: undefined };
  return { id: tag, repoTags: [tag], labels: {}, containers: undefined, ...unknown };
}
