/** What an app's state must be, given what the engine has of it: at the start, on a connect, and when something changed. Pure. */

import type { AppState } from "../../model/app.ts";
import { isTransient, stateOfContainer } from "../state/transitions.ts";

/** What was found of an app while no transition of it runs. */
export interface Found {
  /** The engine's word for its container; undefined when there is none. */
  status: string | undefined;
  hasImage: boolean;
  /** Names one run of one container, or the container alone where its start is not known; empty when there is none. */
  run: string;
  /** 0 while it runs. */
  exitCode: number;
  /** Something outside ended it: the engine as it stopped, or a person. */
  wasKilled: boolean;
  /** Id of its container when it bears the label of agents, who all give it a terminal; absent where nobody looked. */
  ownId?: string | undefined;
}

/** Exit codes of a process that SIGKILL or SIGTERM ended. */
const killCodes = [137, 143];

/** True when a container did not end by itself, nor by using too much memory. */
export function wasKilledOutside(seen: { exitCode: number; oomKilled: boolean }): boolean {
  return killCodes.includes(seen.exitCode) && !seen.oomKilled;
}

/** States of work on an image: it ended with the process that did it. */
const imageWork: ReadonlySet<AppState> = new Set(["DOWNLOADING", "TRANSFERING", "PUBLISHING", "BUILDING"]);

/**
 * The state of an app after a time in which nobody watched it. `current` stays where the engine's word says nothing about the
 * app; a paused container counts as running.
 */
export function correctedState(current: AppState, found: Found): AppState {
  if (found.status === undefined) {
    if (found.hasImage) return "PRESENT";
    return current === "UNINSTALLED" ? current : "REMOVED";
  }
  // An update leaves its container alone until the new image is here, so what the engine says of it counts.
  if (imageWork.has(current)) return "REMOVED";
  return stateOf(found.status) ?? current;
}

/**
 * The state of a watched app after something happened to its container; undefined when there is nothing to tell. A container
 * that is gone is news for a running app only: every other state leaves none behind, or has its own way on.
 */
export function observedState(current: AppState, found: Found): AppState | undefined {
  if (found.status === undefined) {
    if (current !== "RUNNING") return undefined;
    return found.hasImage ? "PRESENT" : "REMOVED";
  }
  const state = stateOf(found.status);
  if (state === undefined || state === current || isTransient(state) || isTransient(current)) return undefined;
  // A start that failed leaves its container as it was made; trying again at once would never end.
  return current === "FAILED" && state === "PRESENT" ? undefined : state;
}

function stateOf(status: string): AppState | undefined {
  return status === "paused" ? "RUNNING" : stateOfContainer(status);
}
