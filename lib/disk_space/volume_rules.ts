/** Decides which volumes that no container uses may be removed. Pure. In doubt a volume stays: it may hold somebody's data. */

import type { AppId, Stage } from "../model/app.ts";

/** A volume that no container uses, running or not. */
export interface VolumeSeen {
  name: string;
  labels: Readonly<Record<string, string>>;
}

/** What the device knows that volumes could belong to. */
export interface VolumeOwners {
  /** All apps of the device, stopped ones too; undefined while they are not known. */
  apps: readonly { id: AppId; appName: string }[] | undefined;
  /** Names of the folders in which compose files of apps are kept, by the stage of the apps. */
  folders: Readonly<Record<Stage, readonly string[]>>;
}

const projectLabel = "com.docker.compose.project";
const anonymousLabel = "com.docker.volume.anonymous";

/** The compose project that the device itself may be a part of. */
export const applianceProject = "ironflock-appliance";

/** The volumes of `volumes` to remove. */
export function removableVolumes(volumes: readonly VolumeSeen[], owners: VolumeOwners): VolumeSeen[] {
  return volumes.filter((volume) => isAnonymous(volume) || isLeftOver(volume.labels[projectLabel] ?? "", owners));
}

/** A name as compose makes it for projects: lower case, without foreign characters, beginning with a letter or digit. */
export function normaliseName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9_-]/g, "").replace(/^[_-]+/, "");
}

/** Nobody can ask for it by name, and engines since 24 say so with a label. */
function isAnonymous({ name, labels }: VolumeSeen): boolean {
  return /^[0-9a-f]{64}$/.test(name) && Object.keys(labels).every((label) => label === anonymousLabel);
}

/** True for what an uninstall left that was cut: it takes the volumes first and the folder last. */
function isLeftOver(project: string, { apps, folders }: VolumeOwners): boolean {
  const owner = parseProject(project);
  if (owner === undefined || apps === undefined || project === applianceProject) return false;
  const isKnown = apps.some(({ id, appName }) => {
    // An app keeps its key when it is renamed.
    if (id.stage === owner.stage && id.appKey === owner.appKey) return true;
    return normaliseName(appName) === project || normaliseName(projectOf(id, appName)) === project;
  });
  return !isKnown && folders[owner.stage].some((folder) => normaliseName(folder) === normaliseName(owner.appName));
}

function projectOf({ stage, appKey }: AppId, appName: string): string {
  return `${stage}_${appKey}_${appName}_compose`;
}

/** The app of a project that the agent has made; undefined for any other. */
function parseProject(project: string): (AppId & { appName: string }) | undefined {
  const [, prefix, key = "", appName = ""] = /^(dev|prod)_([0-9]{1,15})_(.+)_compose$/.exec(project) ?? [];
  if (prefix === undefined) return undefined;
  return { stage: prefix === "dev" ? "DEV" : "PROD", appKey: Number(key), appName };
}
