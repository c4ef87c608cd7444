/** Finds the containers that people mean when they name an app. Pure. */

import { containerNameOf, parseComposeProjectName, parseContainerName } from "../model/app_names.ts";
import { composeLabels, composeProjectLabel } from "../model/labels.ts";

/** A container as the engine lists it. */
export interface ListedContainer {
  id: string;
  names: readonly string[];
  labels: Readonly<Record<string, string>>;
}

/** The containers of one app. `name` is that of its container, or what its compose project is named after. */
export interface AppContainers {
  name: string;
  project: string | undefined;
  containers: ListedContainer[];
}

/**
 * The apps that `wanted` may stand for: the name of an app, in any case, or that of its container. Several when DEV and
 * PROD run on the device.
 */
export function findApp(wanted: string, containers: readonly ListedContainer[]): AppContainers[] {
  return listApps(containers).filter(({ name }) => isMeant(wanted, name));
}

/** All apps that have containers. */
export function listApps(containers: readonly ListedContainer[]): AppContainers[] {
  const apps = new Map<string, AppContainers>();
  for (const container of containers) {
    if (container.labels[composeLabels.oneOff] === "True") continue;
    const project = container.labels[composeProjectLabel];
    const app = project === undefined ? parseContainerName(container.names[0] ?? "") : parseComposeProjectName(project);
    if (app === undefined) continue;
    const name = containerNameOf(app);
    const known = apps.get(name) ?? { name, project, containers: [] };
    known.containers.push(container);
    apps.set(name, known);
  }
  return [...apps.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Whether a name that was typed stands for the container of this name. */
export function isMeant(wanted: string, containerName: string): boolean {
  const name = wanted.toLowerCase();
  return containerName === name || parseContainerName(containerName)?.appName === name;
}
