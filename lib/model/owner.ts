/** Whose a container or a compose project is: known by labels, and never by a name alone. Pure. */

import { readCount } from "../base/json.ts";
import { type AppId, isStage } from "./app.ts";
import { type NamedApp, parseComposeProjectName, parseContainerName, projectLabelOf } from "./app_names.ts";
import { appLabels, composeLabels, composeProjectLabel, isMadeByAgent, type Labels } from "./labels.ts";

/** The folders in which agents keep the compose files of apps, each in a folder with the app's name. */
export interface ProjectFolders {
  /** Of `DEV` apps. */
  buildDir: string;
  /** Of `PROD` apps. */
  composeDir: string;
}

/** The compose file of an app in its folder. */
export const composeFileName = "docker-compose.json";

/**
 * The app that a container was made for, whatever its name is today; undefined when no agent has made it, or when it is
 * part of a compose project. Older agents did not write down the app, so with their label the name counts.
 */
export function ownerOf({ names, labels }: { names: readonly string[]; labels: Labels }): AppId | undefined {
  if (!isMadeByAgent(labels) || labels[composeProjectLabel] !== undefined) return undefined;
  const appKey = readCount(labels[appLabels.appKey]);
  const stage = labels[appLabels.stage];
  if (appKey !== undefined && isStage(stage)) return { appKey, stage };
  return names.map(parseContainerName).find((named) => named !== undefined)?.id;
}

/**
 * The app whose compose project a container belongs to, with its name as its folder has it. Anybody can give a project
 * the name that an app's would have, so the file from which compose has made it must be the one that agents write;
 * undefined for every other.
 */
export function projectOwnerOf({ labels }: { labels: Labels }, folders: ProjectFolders): NamedApp | undefined {
  const project = labels[composeProjectLabel];
  const named = project === undefined ? undefined : parseComposeProjectName(project);
  if (named === undefined) return undefined;
  const folder = `${named.id.stage === "PROD" ? folders.composeDir : folders.buildDir}/`;
  const file = labels[composeLabels.files] ?? "";
  if (!file.startsWith(folder)) return undefined;
  const [appName = "", fileName, ...rest] = file.slice(folder.length).split("/");
  const isOwn = fileName === composeFileName && rest.length === 0;
  return isOwn && projectLabelOf({ id: named.id, appName }) === project ? { id: named.id, appName } : undefined;
}
