/** An app as the agent has it in memory, and how it comes to be. Pure. */

import type { AppId, AppRequest, AppState, UpdateStatus } from "../../model/app.ts";
import type { AppStateWrite, StoredApp } from "../../store/app_rows.ts";

/** One app in memory. Lives from the first request or the start of the agent until it is removed. */
export interface LiveApp {
  readonly id: AppId;
  /** As Studio writes it, upper and lower case kept. */
  appName: string;
  /** What the agent believes. */
  state: AppState;
  /** What Studio wants, never a passing state. */
  target: AppState;
  /** The installed version; empty when none is known. */
  version: string;
  /** The installed release. */
  releaseKey: number;
  /** Who asked last. */
  requestorAccountKey: number;
  /** The flag of the request that made this object; false after a restart of the agent. */
  requestUpdate: boolean;
  releaseBuild: boolean;
  updateStatus: UpdateStatus;
}

/** The app that a first request makes. `target` is the request's, mapped to a state that can stay. */
export function appOfRequest(request: AppRequest, target: AppState): LiveApp {
  return {
    id: { appKey: request.appKey, stage: request.stage },
    appName: request.appName,
    state: request.current ?? "REMOVED",
    target,
    version: request.presentVersion,
    releaseKey: request.releaseKey,
    requestorAccountKey: request.requestorAccountKey,
    requestUpdate: request.requestUpdate,
    releaseBuild: false,
    updateStatus: "",
  };
}

/** The app that the database remembers. */
export function appOfStored(stored: StoredApp): LiveApp {
  return {
    id: stored.id,
    appName: stored.appName,
    state: stored.state,
    target: stored.requested?.target ?? stored.state,
    version: stored.version,
    releaseKey: stored.releaseKey,
    requestorAccountKey: stored.requested?.requestorAccountKey ?? 0,
    requestUpdate: false,
    releaseBuild: false,
    updateStatus: "",
  };
}

/** What the database keeps of an app. */
export function storedPartOf(app: LiveApp): AppStateWrite {
  const { id, appName, state, version, releaseKey, target } = app;
  return { id, appName, state, version, releaseKey, target };
}

/** True for the states of an app that is not on the device. */
export function isGone(state: AppState): boolean {
  return state === "REMOVED" || state === "UNINSTALLED";
}
