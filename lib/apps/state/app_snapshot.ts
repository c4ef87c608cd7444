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
  /** Its containers, each with the log channel of the same name; they exist only while the app is in use. */
  containers: readonly ChannelContainer[];
}

/** The snapshot of an app with one container. */
export function snapshotOf(
  { id, appName, state }: LiveApp,
  { container }: Pick<AppNames, "container">,
): AppSnapshot {
  return { id, appName, state, containers: [{ channel: container, containerName: container }] };
}
