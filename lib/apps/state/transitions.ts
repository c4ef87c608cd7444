/** The states of an app as a machine: which transition leads from a state to a wanted one. Pure; `docs/states.md` is made from it. */

import type { AppState } from "../../model/app.ts";

/** What has to be done to get from a state to a wanted one. */
export type Transition =
  | ("install" | "run" | "stop" | "remove" | "uninstall" | "recover-run" | "recover-present")
  | ("build" | "publish" | "remove-and-publish")
  | ("cancel-pull" | "cancel-update" | "cancel-build" | "cancel-push" | "cancel-transfer")
  | "no-action";

/** The states that can be wanted. */
export const targetStates = ["PRESENT", "RUNNING", "BUILT", "PUBLISHED", "REMOVED", "UNINSTALLED"] as const;

/** A state that can be wanted. */
export type TargetState = typeof targetStates[number];

type Cells = Readonly<Partial<Record<TargetState | "STOPPED", Transition>>>;

const atRest: Cells = {
  PRESENT: "no-action",
  RUNNING: "run",
  BUILT: "build",
  PUBLISHED: "publish",
  REMOVED: "remove",
  UNINSTALLED: "uninstall",
};
const inPassing: Cells = { PRESENT: "stop", RUNNING: "run", REMOVED: "remove", UNINSTALLED: "uninstall" };

/**
 * The table of states: current state, then wanted state. A cell that is missing means that nothing happens. After a canceled
 * update the wanted state is brought about as well.
 */
export const transitions: Readonly<Record<AppState, Cells>> = {
  REMOVED: { ...atRest, PRESENT: "install", REMOVED: "no-action" },
  UNINSTALLED: {
    PRESENT: "install",
    RUNNING: "run",
    BUILT: "build",
    PUBLISHED: "publish",
    UNINSTALLED: "no-action",
  },
  PRESENT: atRest,
  FAILED: { ...atRest, PRESENT: "recover-present", RUNNING: "recover-run" },
  BUILT: atRest,
  PUBLISHED: atRest,
  STOPPED: {
    RUNNING: "run",
    BUILT: "build",
    PUBLISHED: "publish",
    REMOVED: "remove",
    UNINSTALLED: "uninstall",
    STOPPED: "no-action",
  },
  RUNNING: { ...atRest, PRESENT: "stop", RUNNING: "no-action", BUILT: "stop", PUBLISHED: "remove-and-publish" },
  STARTING: inPassing,
  STOPPING: inPassing,
  DELETING: { REMOVED: "remove", UNINSTALLED: "uninstall" },
  DOWNLOADING: { PRESENT: "install", REMOVED: "cancel-pull", UNINSTALLED: "cancel-pull" },
  UPDATING: { PRESENT: "cancel-update", REMOVED: "cancel-update", UNINSTALLED: "cancel-update" },
  BUILDING: { REMOVED: "cancel-build" },
  PUBLISHING: { REMOVED: "cancel-push" },
  TRANSFERED: { PRESENT: "install", REMOVED: "remove", UNINSTALLED: "uninstall" },
  TRANSFERING: { PRESENT: "cancel-transfer", REMOVED: "cancel-transfer", UNINSTALLED: "cancel-transfer" },
};

/** The transition from a state to a wanted one; undefined when nothing is to happen. */
export function transitionOf(current: AppState, target: AppState): Transition | undefined {
  const cells: Readonly<Partial<Record<AppState, Transition>>> = transitions[current];
  return cells[target];
}

/** The state that is meant when a passing one is wanted, as Studio sometimes asks. */
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

const passing: ReadonlySet<AppState> = new Set([
  ...["BUILDING", "BUILT", "TRANSFERED", "DELETING", "TRANSFERING", "PUBLISHING", "PUBLISHED"] as const,
  ...["DOWNLOADING", "STOPPING", "UPDATING", "STARTING"] as const,
]);

/** True for the states of something that is being done. */
export function isTransient(state: AppState): boolean {
  return passing.has(state);
}

const growing: ReadonlySet<AppState> = new Set([
  ...["RUNNING", "PRESENT", "BUILT", "BUILDING", "PUBLISHING", "PUBLISHED", "DOWNLOADING", "UPDATING"] as const,
]);

/** True for wanted states that may need more disk; they are refused while the disk is too full to work. */
export function growsDisk(target: AppState): boolean {
  return growing.has(target);
}

/** The state of an app whose container has this status; undefined for words that say nothing about the app. */
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
