/** Lines of an app's log for whatever does not go as planned. Their wording is part of the wire. Pure. */

import type { AppState } from "../../model/app.ts";
import { textOf } from "../../base/errors.ts";
import { engineTextOf } from "../../docker/errors.ts";
import type { RollBack } from "./rollback.ts";
import { buildCanceledText, publishCanceledText } from "./build_plan.ts";
import { isPulling, isStarting, type Step } from "./steps.ts";

/** In the log of every app after the agent's database was lost. */
export const rebuiltText =
  "The agent's database was damaged and has been set aside; what it knows of this app comes from the container engine and from Studio";

/** Why an update cannot be: Studio has not said to which version. */
export const noReleaseText = "no release available to update to";

/** In the log of a DEV app whose image is gone. */
export const buildAgainText = "The image of the app is not on this device, build the app again";

/** Why a transition failed in `step`; without one it failed before its first. */
export function failureText(step: Step | undefined, error: unknown): string {
  if (isPulling(step)) return `Error occured while trying to pull the image: ${quotedReason(error)}`;
  if (isStarting(step)) return `The app failed to start, reason: ${quotedReason(error)}`;
  return textOf(error);
}

/** What the engine has answered is quoted as its own command line does it. */
function quotedReason(error: unknown): string {
  const engineText = engineTextOf(error);
  return engineText === undefined ? textOf(error) : `Error response from daemon: ${engineText}`;
}

/** Why the version before runs again; the update is not tried again automatically. */
export function rollBackText({ failed, restored, reason }: RollBack): string {
  return `The update to version ${failed} has failed (${reason}), returning to version ${restored}`;
}

/** When a failed update is tried again; the running version goes on until then. */
export function updateRetryText(version: string, delayMs: number): string {
  return `The update to version ${version} will be tried again in ${Math.round(delayMs / 1000)} s`;
}

/** The data of an app is in a folder of its name, and only its developer knows whether the new one should have it. */
export function renamedText({ from, to, folder }: { from: string; to: string; folder: string }): string {
  return `The app ${from} is now called ${to}; its data from before is kept in ${folder}`;
}

/** The volumes in which a compose app has its data from a time when it had another name. */
export function formerVolumesText(from: string, volumes: readonly string[]): string {
  return `The volumes of ${from} are kept: ${volumes.join(", ")}`;
}

/** What was interrupted by a request of Studio; undefined when there is nothing to say. */
export function interruptionText(state: AppState, step: Step | undefined): string | undefined {
  if (state === "UPDATING") return "The update was canceled";
  if (state === "BUILDING") return buildCanceledText;
  if (state === "PUBLISHING") return publishCanceledText;
  return state === "DOWNLOADING" || isPulling(step) ? "The app download was canceled" : undefined;
}

/** The health check of an app, or of one of its services, has said no. `output`: what it has printed. */
export function unhealthyText(subject: string, output: string): string {
  return output === "" ? `${subject} is unhealthy` : `${subject} is unhealthy: ${output}`;
}

/** It says yes again. */
export function healthyText(subject: string): string {
  return `${subject} is healthy again`;
}

/** Why a compose app has failed; the last lines of the service are in the app's log. */
export function failedServiceText(subject: string, failed: { name: string; exitCode: number }): string {
  return `${subject} failed because ${failed.name} exited with status code: ${failed.exitCode}`;
}
