/** Decides which unused volumes may be removed. Pure. In doubt a volume stays, because it may hold somebody's data. */

import type { Stage } from "../model/app.ts";
import { type NamedApp, normalizeProject, parseComposeProjectName, projectLabelOf } from "../model/app_names.ts";
import { anonymousVolumeLabel, applianceProject, composeProjectLabel } from "../model/labels.ts";
import type { DanglingVolume } from "../docker/engine_storage.ts";

/** The apps to which volumes could belong. */
export interface VolumeOwners {
  /** All apps of the device, stopped ones too; undefined while they are not known. */
  apps: readonly NamedApp[] | undefined;
  /** Names of volumes of apps that nothing refers to while they are stopped. */
  kept: ReadonlySet<string>;
  /** Names of the folders that hold the compose files of apps, by stage. */
  folders: Readonly<Record<Stage, readonly string[]>>;
}

/** Returns those of `volumes` that may be removed. */
export function removableVolumes(volumes: readonly DanglingVolume[], owners: VolumeOwners): DanglingVolume[] {
  return volumes.filter((volume) =>
    !owners.kept.has(volume.name) &&
    (isAnonymous(volume) || isLeftOver(volume.labels[composeProjectLabel] ?? "", owners))
  );
}

/** Nothing can refer to it by name. Engines since 24 label such volumes. */
function isAnonymous({ name, labels }: DanglingVolume): boolean {
  return /^[0-9a-f]{64}$/.test(name) && Object.keys(labels).every((label) => label === anonymousVolumeLabel);
}

/** True for volumes of an interrupted uninstall, which removes the volumes first and the folder last. */
function isLeftOver(project: string, { apps, folders }: VolumeOwners): boolean {
  const owner = parseComposeProjectName(project);
  if (owner === undefined || apps === undefined || project === applianceProject) return false;
  const isKnown = apps.some((app) => {
    // An app keeps its key when it is renamed.
    if (app.id.stage === owner.id.stage && app.id.appKey === owner.id.appKey) return true;
    return normalizeProject(app.appName) === project || projectLabelOf(app) === project;
  });
  return !isKnown &&
    folders[owner.id.stage].some((folder) => normalizeProject(folder) === normalizeProject(owner.appName));
}
