/** Derives the state of an app from what the engine has of it: at the start, on a connect, and after a change. Pure. */

import type { AppState } from "../../model/app.ts";
import { hasImage, type ObservedApp, servicesInUse, soleContainer } from "../state/observed_app.ts";
import { isTransient, stateOfContainer } from "../state/transitions.ts";
import { type ProjectNeeds, projectState } from "./project_state.ts";

/** Exit codes after SIGKILL and SIGTERM. */
export const killCodes: readonly number[] = [137, 143];

/** True for a container that was ended by a signal, unless it had used too much memory. */
export function wasKilledOutside({ exitCode, oomKilled }: { exitCode: number; oomKilled: boolean }): boolean {
  return killCodes.includes(exitCode) && !oomKilled;
}

/** States of work on an image, which ends with the process that does it. */
const imageStates: ReadonlySet<AppState> = new Set(["DOWNLOADING", "TRANSFERING", "PUBLISHING", "BUILDING"]);

/** What counts for a compose app besides what the engine has. */
export interface ComposeFacts {
  /** Of the installed release. */
  needs: ProjectNeeds;
  /** The folder with its compose file is there. */
  hasFolder: boolean;
}

/**
 * The state of an app that nobody has watched for a while. `current` stays where the status of the container says
 * nothing about the app; a paused container counts as running.
 */
export function correctedState(
  current: AppState,
  observed: ObservedApp,
  { compose }: { compose?: ComposeFacts | undefined } = {},
): AppState {
  if (compose !== undefined) return correctedProject(current, { observed, facts: compose });
  const container = soleContainer(observed);
  if (container === undefined) {
    if (hasImage(observed)) return "PRESENT";
    return current === "UNINSTALLED" ? current : "REMOVED";
  }
  // An update does not touch the container until the new image is there, so the status of the container counts; nor
  // does an app with a new name touch the one of its earlier name.
  if (imageStates.has(current) && container.formerName === undefined) return "REMOVED";
  return stateOf(container.status) ?? current;
}

/**
 * The state of a watched app after something happened to its container; undefined when nothing has changed. A missing
 * container is a change for a running app only: in every other state there is none, or a transition takes care of it.
 */
export function observedState(
  current: AppState,
  observed: ObservedApp,
  { compose }: { compose?: ComposeFacts | undefined } = {},
): AppState | undefined {
  if (compose !== undefined) return observedProject(current, { observed, facts: compose });
  const container = soleContainer(observed);
  if (container === undefined) {
    if (current !== "RUNNING") return undefined;
    return hasImage(observed) ? "PRESENT" : "REMOVED";
  }
  const state = stateOf(container.status);
  if (state === undefined || state === current || isTransient(state) || isTransient(current)) return undefined;
  // A failed start leaves its container as it was created; trying again at once would never end.
  return current === "FAILED" && state === "PRESENT" ? undefined : state;
}

interface SeenProject {
  observed: ObservedApp;
  facts: ComposeFacts;
}

/** A project that is there counts as a container does; without one the folder and the images decide. */
function correctedProject(current: AppState, seen: SeenProject): AppState {
  const state = stateOfProject(seen);
  if (state === undefined) return stateWithoutProject(current, seen);
  return imageStates.has(current) ? "REMOVED" : state;
}

/** While an app is not installed, a folder or an image that is left is no change. */
function observedProject(current: AppState, seen: SeenProject): AppState | undefined {
  const state = stateOfProject(seen);
  if (state === undefined) {
    return current === "RUNNING" ? stateWithoutProject(current, seen) : undefined;
  }
  if (state === current || isTransient(current)) return undefined;
  // What could not be started stays as it was created; trying again at once would never end.
  return current === "FAILED" && state === "PRESENT" ? undefined : state;
}

/** Undefined when there is no project. */
function stateOfProject({ observed, facts: { needs } }: SeenProject): AppState | undefined {
  switch (projectState(servicesInUse(observed), { needs }).kind) {
    case "none":
      return undefined;
    case "running":
      return "RUNNING";
    case "failed":
      return "FAILED";
    case "incomplete":
    case "finished":
      return "PRESENT";
  }
}

function stateWithoutProject(current: AppState, { observed: { project }, facts }: SeenProject): AppState {
  if (!facts.hasFolder) return current === "UNINSTALLED" ? current : "REMOVED";
  if (facts.needs.images.every((image) => project?.images[image] !== undefined)) return "PRESENT";
  // A build has unpacked its folder, and nothing has come of it.
  return current === "REMOVED" || current === "BUILDING" || current === "PUBLISHING" ? "REMOVED" : "UNINSTALLED";
}

function stateOf(status: string): AppState | undefined {
  return status === "paused" ? "RUNNING" : stateOfContainer(status);
}
