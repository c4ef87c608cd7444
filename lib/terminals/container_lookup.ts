/** Finds the container that a terminal is asked for. Pure. */

import type { ContainerSummary } from "../docker/decode.ts";
import { normalizeProject } from "../model/app_names.ts";
import { composeLabels, composeProjectLabel } from "../model/labels.ts";

/**
 * The container of exactly this name. Otherwise a container of the compose project
 * that belongs to the name: of an app's container name any of its services, and of that name with the name of a service
 * behind it (`prod_42_shop-web`, `prod_42_shop_compose-web`) one of that service. Those that run come first, then the
 * order is that of the names. Parts of names are not enough: they would lead into the container of another app.
 */
export function findContainer(wanted: string, containers: readonly ContainerSummary[]): ContainerSummary | undefined {
  const exact = containers.find(({ names }) => names.includes(wanted));
  if (exact !== undefined) return exact;
  const fitting = containers.filter((container) => projectNames(container).has(wanted.toLowerCase()));
  return fitting.sort((a, b) => rank(a).localeCompare(rank(b), "en", { numeric: true }))[0];
}

/** The names by which a container of a compose project can be asked for, in lower case. */
function projectNames({ labels }: ContainerSummary): Set<string> {
  const project = (labels[composeProjectLabel] ?? "").toLowerCase();
  const service = (labels[composeLabels.service] ?? "").toLowerCase();
  if (project === "") return new Set();
  const app = project.replace(/_compose$/, "");
  const owners = [project, app, normalizeProject(app)];
  return new Set([...owners, ...owners.flatMap((owner) => [`${owner}-${service}`, `${owner}_${service}`])]);
}

function rank({ state, names }: ContainerSummary): string {
  return `${state === "running" ? 0 : 1} ${names[0] ?? ""}`;
}
