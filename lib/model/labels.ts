/**
 * Every label by which containers and volumes are recognized, spelled once. Older agents read and write the same ones.
 * Pure.
 */

import type { AppId } from "./app.ts";

/** Labels as the engine lists them. */
export type Labels = Readonly<Record<string, string>>;

/** The label that agents put on their containers, and its value. */
export const agentLabel = { name: "real", value: "True" } as const;

/** The labels that describe the app of a container, so that a device whose database was lost can adopt the app. */
export const appLabels = {
  appKey: "reagent.app-key",
  appName: "reagent.app-name",
  stage: "reagent.stage",
  version: "reagent.version",
  releaseKey: "reagent.release-key",
} as const;

/** Marks volumes of apps that the agent has named. */
const volumeLabel = "reagent.volume";

/** Where containers see such a volume. */
const volumeTargetLabel = "reagent.volume-target";

/** The compose project that a container or volume belongs to; set by compose. */
export const composeProjectLabel = "com.docker.compose.project";

/** What compose writes onto the containers of a project. */
export const composeLabels = {
  service: "com.docker.compose.service",
  /** Of the containers of one service: 1, 2, … */
  number: "com.docker.compose.container-number",
  /** `True` for a container that `compose run` has made. */
  oneOff: "com.docker.compose.oneoff",
  /** The paths of the files, with commas between them. */
  files: "com.docker.compose.project.config_files",
} as const;

/** Set by engines since 24 on volumes that have no name. */
export const anonymousVolumeLabel = "com.docker.volume.anonymous";

/** The compose project that the device itself may be a part of. */
export const applianceProject = "ironflock-appliance";

/** The labels of the container of an app. */
export function labelsOfApp(app: { id: AppId; appName: string; version: string; releaseKey: number }): Labels {
  return {
    [agentLabel.name]: agentLabel.value,
    [appLabels.appKey]: `${app.id.appKey}`,
    [appLabels.appName]: app.appName,
    [appLabels.stage]: app.id.stage,
    [appLabels.version]: app.version,
    [appLabels.releaseKey]: `${app.releaseKey}`,
  };
}

/** The labels of all volumes of an app that the agent has named. */
export function labelsOfAppVolumes({ appKey, stage }: AppId): Labels {
  return { [appLabels.appKey]: `${appKey}`, [appLabels.stage]: stage, [volumeLabel]: "app" };
}

/** The labels of the volume of an app that its containers see at `target`. */
export function volumeLabels(id: AppId, target: string): Labels {
  return { ...labelsOfAppVolumes(id), [volumeTargetLabel]: target };
}

/** True for containers that an agent has made. */
export function isMadeByAgent(labels: Labels): boolean {
  return labels[agentLabel.name] === agentLabel.value;
}
