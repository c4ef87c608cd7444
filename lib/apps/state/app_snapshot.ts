/** An app as the rest of the agent sees it. Pure. */

import type { AppId, AppState } from "../../model/app.ts";
import type { LiveApp } from "./live_app.ts";

/** An app at one moment. */
export interface AppSnapshot {
  id: AppId;
  appName: string;
  state: AppState;
  /** Its log channels; each has the name of a container. */
  channels: readonly string[];
}

/** The snapshot of an app with these containers. */
export function snapshotOf({ id, appName, state }: LiveApp, containers: readonly string[]): AppSnapshot {
  return { id, appName, state, channels: containers };
}
