/** An app as the rest of the agent sees it. Pure. */

import type { AppId, AppState } from "../../model/app.ts";
import type { ChannelContainer } from "../../app_logs/app_logs.ts";
import type { AppNames } from "../../model/app_names.ts";
import type { LiveApp } from "./live_app.ts";

/** An app at one moment. */
export interface AppSnapshot {
  id: AppId;
  appName: string;
  state: AppState;
  /** The state that Studio wants. */
  target: AppState;
  /** The installed version; empty when none is known. */
  version: string;
  /** The account that sent the latest request. */
  requestorAccountKey: number;
  /** Its containers, each with the log channel of the same name; they exist only while the app is in use. */
  containers: readonly ChannelContainer[];
}

/** The snapshot of an app with one container. */
export function snapshotOf(
  { id, appName, state, target, version, requestorAccountKey }: LiveApp,
  { container }: Pick<AppNames, "container">,
): AppSnapshot {
  const containers = [{ channel: container, containerName: container }];
  return { id, appName, state, target, version, requestorAccountKey, containers };
}
