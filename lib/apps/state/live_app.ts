/** An app in memory, and how it is made from a request or from its row. Pure. */

import type { AppId, AppRequest, AppState, UpdateStatus } from "../../model/app.ts";
import type { AppStateWrite, StoredApp } from "../../store/app_rows.ts";
import type { FormerParts } from "./observed_app.ts";

/** One app in memory. Lives from the first request or the start of the agent until it is removed. */
export interface LiveApp {
  readonly id: AppId;
  /** As Studio writes it, in upper and lower case. */
  appName: string;
  /** The state that it is in, as far as the agent knows. */
  state: AppState;
  /** The state that Studio wants, never a transient one. */
  target: AppState;
  /** The installed version; empty when none is known. */
  version: string;
  /** The installed release. */
  releaseKey: number;
  /** The account that sent the latest request. */
  requestorAccountKey: number;
  /** The flag of the request that created this object; false after a restart of the agent. */
  requestUpdate: boolean;
  releaseBuild: boolean;
  updateStatus: UpdateStatus;
  /** As last observed, or to be expected after a new name. */
  former?: FormerParts;
  /** A compose project that was seen to run may be of another release: its start was interrupted. */
  isUnsettled?: boolean;
}

/** The app of a first request. `target` is the request's, mapped to a stable state. */
export function appFromRequest(request: AppRequest, target: AppState): LiveApp {
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

/** The app as it was stored. */
export function appFromRow(stored: StoredApp): LiveApp {
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

/** What is stored of an app. */
export function rowOf(app: LiveApp): AppStateWrite {
  const { id, appName, state, version, releaseKey, target } = app;
  return { id, appName, state, version, releaseKey, target };
}

/** True for the states of an app that is not on the device. */
export function isGone(state: AppState): boolean {
  return state === "REMOVED" || state === "UNINSTALLED";
}
