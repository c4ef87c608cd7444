/** Whose a container is: the agent knows it by its labels, and never by its name alone. Pure. */

import { readCount } from "../base/json.ts";
import { type AppId, isStage } from "./app.ts";
import { parseContainerName } from "./app_names.ts";
import { appLabels, composeProjectLabel, isMadeByAgent, type Labels } from "./labels.ts";

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
