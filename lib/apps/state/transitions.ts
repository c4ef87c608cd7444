/** The state machine of an app: which transition leads from a state to a wanted one. Pure; see `docs/states.md`. */

import { type AppState, isAppState } from "../../model/app.ts";

/** The work that leads from a state to a wanted one. */
export type Transition =
  | ("install" | "run" | "stop" | "remove" | "uninstall" | "recover-run" | "recover-present")
  | ("build" | "publish" | "remove-and-publish")
  | ("cancel-pull" | "cancel-update" | "cancel-build" | "cancel-push" | "cancel-transfer")
  | "no-action";

/** The states that an app can be wanted in. */
export const targetStates = ["PRESENT", "RUNNING", "BUILT", "PUBLISHED", "REMOVED", "UNINSTALLED"] as const;

/** A state that an app can be wanted in. */
export type TargetState = typeof targetStates[number];

type Cells = Readonly<Partial<Record<TargetState | "STOPPED", Transition>>>;

const fromStable: Cells = {
  PRESENT: "no-action",
  RUNNING: "run",
  BUILT: "build",
  PUBLISHED: "publish",
  REMOVED: "remove",
  UNINSTALLED: "uninstall",
};
const fromTransient: Cells = { PRESENT: "stop", RUNNING: "run", REMOVED: "remove", UNINSTALLED: "uninstall" };

/**
 * Transitions by current state, then wanted state. Where there is none, nothing happens. A canceled update is followed
 * by the transition to the wanted state.
 */
export const transitions: Readonly<Record<AppState, Cells>> = {
  REMOVED: { ...fromStable, PRESENT: "install", REMOVED: "no-action" },
  UNINSTALLED: {
    PRESENT: "install",
    RUNNING: "run",
    BUILT: "build",
    PUBLISHED: "publish",
    UNINSTALLED: "no-action",
  },
  PRESENT: fromStable,
  FAILED: { ...fromStable, PRESENT: "recover-present", RUNNING: "recover-run" },
  BUILT: fromStable,
  PUBLISHED: fromStable,
  STOPPED: {
    RUNNING: "run",
    BUILT: "build",
    PUBLISHED: "publish",
    REMOVED: "remove",
    UNINSTALLED: "uninstall",
    STOPPED: "no-action",
  },
  RUNNING: { ...fromStable, PRESENT: "stop", RUNNING: "no-action", BUILT: "stop", PUBLISHED: "remove-and-publish" },
  STARTING: fromTransient,
  STOPPING: fromTransient,
  DELETING: { REMOVED: "remove", UNINSTALLED: "uninstall" },
  DOWNLOADING: { PRESENT: "install", REMOVED: "cancel-pull", UNINSTALLED: "cancel-pull" },
  UPDATING: { PRESENT: "cancel-update", REMOVED: "cancel-update", UNINSTALLED: "cancel-update" },
  BUILDING: { REMOVED: "cancel-build", UNINSTALLED: "cancel-build" },
  PUBLISHING: { REMOVED: "cancel-push", UNINSTALLED: "cancel-push" },
  TRANSFERED: { PRESENT: "install", BUILT: "build", REMOVED: "remove", UNINSTALLED: "uninstall" },
  TRANSFERING: {
    PRESENT: "cancel-transfer",
    BUILT: "build",
    REMOVED: "cancel-transfer",
    UNINSTALLED: "cancel-transfer",
  },
};

/** The transition from a state to a wanted one; undefined when nothing happens. */
export function transitionOf(current: AppState, target: AppState): Transition | undefined {
  const cells: Readonly<Partial<Record<AppState, Transition>>> = transitions[current];
  return cells[target];
}

/** The stable state meant by a wanted state; Studio sometimes asks for a transient one. */
export function stableTarget(target: AppState): AppState {
  switch (target) {
    case "BUILDING":
    case "TRANSFERED":
    case "TRANSFERING":
    case "DOWNLOADING":
    case "PUBLISHING":
    case "UPDATING":
    case "STOPPING":
      return "PRESENT";
    case "DELETING":
      return "REMOVED";
    case "STARTING":
      return "RUNNING";
    case "PRESENT":
    case "REMOVED":
    case "UNINSTALLED":
    case "FAILED":
    case "BUILT":
    case "PUBLISHED":
    case "STOPPED":
    case "RUNNING":
      return target;
  }
}

/** True for a state that Studio can ask for; `STOPPED` exists, but can be neither stored nor reached. */
export function isStorableState(value: unknown): value is AppState {
  return isAppState(value) && value !== "STOPPED";
}

const transientStates: ReadonlySet<AppState> = new Set([
  ...["BUILDING", "BUILT", "TRANSFERED", "DELETING", "TRANSFERING", "PUBLISHING", "PUBLISHED"] as const,
  ...["DOWNLOADING", "STOPPING", "UPDATING", "STARTING"] as const,
]);

/** True for the states of an app that is being worked on. */
export function isTransient(state: AppState): boolean {
  return transientStates.has(state);
}

const growingStates: ReadonlySet<AppState> = new Set([
  ...["RUNNING", "PRESENT", "BUILT", "BUILDING", "PUBLISHING", "PUBLISHED", "DOWNLOADING", "UPDATING"] as const,
]);

/** True for wanted states that may take more disk space; they are refused while the disk is too full to work. */
export function growsDisk(target: AppState): boolean {
  return growingStates.has(target);
}

/** The state of an app whose container has this status; undefined for a status that says nothing about the app. */
export function stateOfContainer(status: string): AppState | undefined {
  switch (status) {
    case "running":
      return "RUNNING";
    case "created":
      return "PRESENT";
    case "removing":
      return "STOPPING";
    case "restarting":
    case "exited":
    case "dead":
      return "FAILED";
    default:
      return undefined;
  }
}
