/** Decides which volumes that no container uses may be removed. Pure. In doubt a volume stays: it may hold somebody's data. */

import type { Stage } from "../model/app.ts";
import { composeProjectName, type NamedApp, parseComposeProjectName } from "../model/app_names.ts";
import { anonymousVolumeLabel, applianceProject, composeProjectLabel, type Labels } from "../model/labels.ts";

/** A volume that no container uses, running or not. */
export interface VolumeSeen {
  name: string;
  labels: Labels;
}

/** What the device knows that volumes could belong to. */
export interface VolumeOwners {
  /** All apps of the device, stopped ones too; undefined while they are not known. */
  apps: readonly NamedApp[] | undefined;
  /** Names of the folders in which compose files of apps are kept, by the stage of the apps. */
  folders: Readonly<Record<Stage, readonly string[]>>;
}

/** The volumes of `volumes` to remove. */
export function removableVolumes(volumes: readonly VolumeSeen[], owners: VolumeOwners): VolumeSeen[] {
  return volumes.filter((volume) =>
    isAnonymous(volume) || isLeftOver(volume.labels[composeProjectLabel] ?? "", owners)
  );
}

/** A name as compose makes it for projects: lower case, without foreign characters, beginning with a letter or digit. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9_-]/g, "").replace(/^[_-]+/, "");
}

/** Nobody can ask for it by name, and engines since 24 say so with a label. */
function isAnonymous({ name, labels }: VolumeSeen): boolean {
  return /^[0-9a-f]{64}$/.test(name) && Object.keys(labels).every((label) => label === anonymousVolumeLabel);
}

/** True for what an uninstall left that was cut: it takes the volumes first and the folder last. */
function isLeftOver(project: string, { apps, folders }: VolumeOwners): boolean {
  const owner = parseComposeProjectName(project);
  if (owner === undefined || apps === undefined || project === applianceProject) return false;
  const isKnown = apps.some((app) => {
    // An app keeps its key when it is renamed.
    if (app.id.stage === owner.id.stage && app.id.appKey === owner.id.appKey) return true;
    return normaliseName(app.appName) === project || normaliseName(composeProjectName(app)) === project;
  });
  return !isKnown && folders[owner.id.stage].some((folder) => normaliseName(folder) === normaliseName(owner.appName));
}
