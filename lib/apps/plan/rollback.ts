/**
 * Decides what follows when an update fails: which failures are the fault of the release, when the version before comes
 * back, and which versions are not tried again. Pure; all other files only do what is decided here.
 */

import type { AppState } from "../../model/app.ts";
import { type ErrorCode, hasCode, textOf } from "../../base/errors.ts";
import { isTransient } from "../state/transitions.ts";
import type { StoredUpdate } from "../../store/update_rows.ts";
import { type Goal, isPulling, isStarting, type Step } from "./steps.ts";

/** How the installed release of an app has failed. `wasKilled`: the process was ended by the engine or a person. */
export type ReleaseFailure =
  /** A transition failed in `step`; without one it failed before its first. */
  | { kind: "transition"; step: Step | undefined; error: unknown; wasKilled: boolean }
  /** The app was running, and its process has ended; of a compose app that of `service`. */
  | { kind: "exit"; exitCode: number; wasKilled: boolean; service?: FailedService }
  /** The app is running, and its health check has said no. `output`: what the check has printed. */
  | { kind: "unhealthy"; output: string; wasKilled: false; service?: FailedService };

/** A container of a compose app. */
export interface FailedService {
  id: string;
  /** As it stands before its log lines: `web-1`. */
  name: string;
}

/** The return from a release on probation. */
export interface RollBack {
  /** The version that has failed. */
  failed: string;
  /** The version that runs again. */
  restored: string;
  /** Why, as people read it. */
  reason: string;
}

/** Errors that say nothing about the release that was started: any other would have met them as well. */
export const blamelessCodes: readonly ErrorCode[] = [
  ...["canceled", "command_failed", "engine_unreachable", "left_alone", "no_space"] as const,
  ...["port_in_use", "store_failed", "timeout"] as const,
];

/** True when a failure is the fault of the release. None is while the disk is full or the engine has been away. */
export function blamesRelease(failure: ReleaseFailure, { isDeviceUnstable }: { isDeviceUnstable: boolean }): boolean {
  if (failure.wasKilled || isDeviceUnstable) return false;
  switch (failure.kind) {
    case "transition":
      return isStarting(failure.step) && !hasCode(failure.error, ...blamelessCodes);
    case "exit":
    case "unhealthy":
      return true;
  }
}

/** The roll-back after a failure that is the fault of the release; undefined when the release is not on probation. */
export function rollBackAfter(failure: ReleaseFailure, update: StoredUpdate | undefined): RollBack | undefined {
  if (!isOnProbation(update)) return undefined;
  return { failed: update.to.version, restored: update.from.version, reason: failureReason(failure) };
}

function failureReason(failure: ReleaseFailure): string {
  if (failure.kind === "transition") return textOf(failure.error);
  const subject = failure.service === undefined ? "" : `${failure.service.name} `;
  if (failure.kind === "exit") return `${subject}exited with status code ${failure.exitCode}`;
  return `${subject}is unhealthy${failure.output === "" ? "" : `: ${shortText(failure.output)}`}`;
}

/** As much as fits into a sentence. */
function shortText(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** True from the switch of an update until its release has proven that it runs, or has failed. */
export function isOnProbation(update: StoredUpdate | undefined): update is StoredUpdate {
  return update?.phase === "probation";
}

/**
 * True while an app is being worked on, or runs on probation. One that is stopped keeps its probation for later, and
 * what was built or uploaded waits for a request.
 */
export function isUnsettled(state: AppState, update: StoredUpdate | undefined): boolean {
  if (state === "RUNNING") return isOnProbation(update);
  return isTransient(state) && !["BUILT", "PUBLISHED", "TRANSFERED"].includes(state);
}

/** True when the update can be closed: the probation is over, the app runs, and nothing has just happened to it. */
export function hasPassedProbation(seen: { state: AppState; hasChanged: boolean; isProbationOver: boolean }): boolean {
  return seen.isProbationOver && seen.state === "RUNNING" && !seen.hasChanged;
}

/**
 * True for an update that has failed before the old container was touched: it is tried again. False when the app itself
 * has failed, because its container was touched already, or because the engine is away and nobody can tell.
 */
export function isFailedUpdate(
  { goal, state, step, error }: { goal: Goal | undefined; state: AppState; step?: Step | undefined; error: unknown },
): boolean {
  const isBegun = state === "UPDATING" || step?.kind === "checkProject";
  return goal === "update" && isBegun && !hasCode(error, "engine_unreachable");
}

/** Errors of a download that are not those of the registry, or of the way to it. */
const ownCodes: readonly ErrorCode[] = ["engine_unreachable", "internal", "left_alone", "no_space", "store_failed"];

/** True when a download has failed, for which neither the app nor its release is to blame. */
export function isFailedDownload({ step, error }: { step: Step | undefined; error: unknown }): boolean {
  if (step?.kind === "verifyImage") return hasCode(error, "pull_failed", "image_missing");
  return isPulling(step) && !hasCode(error, ...ownCodes);
}

/** True for a version that has failed on this device, until Studio asks for an update again. */
export function hasFailed(version: string, update: StoredUpdate | undefined): boolean {
  return update?.phase === "failed" && update.to.version === version;
}

/** False for a version that has failed, and for the one whose update was canceled or waits for its next try. */
export function mayUpdateTo(
  version: string,
  known: { update: StoredUpdate | undefined; skippedVersion?: string },
): boolean {
  return version !== known.skippedVersion && !hasFailed(version, known.update);
}

/** The version to return to while an update is under way or on probation; undefined at all other times. */
export function fallbackOf(update: StoredUpdate | undefined): string | undefined {
  return update === undefined || update.phase === "failed" ? undefined : update.from.version;
}

/** What an app can return to. */
export type Fallback = Pick<StoredUpdate, "from" | "container" | "dockerCompose">;

/** What a new update can return to: the last release that has proven itself. An earlier update hands on its own. */
export function fallbackFor(
  installed: Fallback,
  before: StoredUpdate | undefined,
): Fallback {
  if (before === undefined || before.phase === "failed") return installed;
  const { from, container, dockerCompose } = before;
  return { from, container, ...(dockerCompose === undefined ? {} : { dockerCompose }) };
}

/**
 * What is left of an update once Studio has sent a request of its own accord: a request for an update lets the failed
 * version be tried again, any other one replaces the settings from before the failed update.
 */
export function updateAfterRequest(
  request: { requestUpdate: boolean },
  update: StoredUpdate | undefined,
): StoredUpdate | undefined {
  if (update?.phase !== "failed") return update;
  if (request.requestUpdate) return undefined;
  return update.container === null ? update : { ...update, container: null };
}

/** After a failed update the version before gets exactly the container that it had; null for any other start. */
export function settingsToRestore(version: string, update: StoredUpdate | undefined): StoredUpdate["container"] {
  return update?.phase === "failed" && update.from.version === version ? update.container : null;
}
