/** Containers as a list of the engine has them. */

import type { ContainerSummary } from "../../../lib/docker/decode.ts";
import { composeLabels, composeProjectLabel } from "../../../lib/model/labels.ts";

/** A container, perhaps one of a compose project. */
export function containerSummary(
  name: string,
  { project, service, state = "running" }: { project?: string; service?: string; state?: string } = {},
): ContainerSummary {
  const labels: Record<string, string> = {};
  if (project !== undefined) labels[composeProjectLabel] = project;
  if (service !== undefined) labels[composeLabels.service] = service;
  return { id: `id of ${name}`, names: [name], state, image: "app:1", labels, published: {} };
}
