/** Decides what a request means for an app: which transition it starts, and whether it interrupts one. Pure. */

import type { AppRequest, AppState } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import type { StoredUpdate } from "../../store/update_rows.ts";
import { isGone, type LiveApp } from "../state/live_app.ts";
import { type Goal, isPulling, type Step } from "./steps.ts";
import { hasFailed } from "./rollback.ts";
import { growsDisk, stableTarget, type Transition, transitionOf } from "../state/transitions.ts";

/** What a request leads to. */
export type Decision =
  /** The table has no cell for it: nothing happens, and nothing is reported. */
  | { kind: "nothing" }
  /** The app is as it should be: its state is reported again. */
  | { kind: "noAction" }
  | { kind: "refuse"; error: AgentError }
  | { kind: "go"; goal: Goal };

/** What the decision depends on besides app and request. */
export interface Circumstances {
  /** False where an update must not begin: offline at boot, and for a version that was canceled or has just failed. */
  mayUpdate: boolean;
  /** The disk is too full to work. */
  isEmergency: boolean;
}

/** Decides what a request leads to while nothing else is done with the app. */
export function decide(app: LiveApp, request: AppRequest, { mayUpdate, isEmergency }: Circumstances): Decision {
  const target = stableTarget(request.target);
  if (isEmergency && growsDisk(request.target)) return refusal("no_space", "the disk is too full");
  const isUpdate = mayUpdate && wantsUpdate(app, request);
  if (isUpdate && app.id.stage === "DEV") return refusal("not_available", "cannot update dev app");
  const transition = isUpdate ? "update" : transitionOf(app.state, target);
  if (transition === undefined) return { kind: "nothing" };
  if (transition === "no-action") {
    const goal = app.id.stage === "PROD" ? unfinishedGoal(app, target) : undefined;
    return goal === undefined ? { kind: "noAction" } : { kind: "go", goal };
  }
  return app.id.stage === "DEV" ? choiceForDev(transition, target) : choiceOf(transition, target);
}

/** What an app lacks that is in its state, but under an earlier name, or after a start that was interrupted. */
function unfinishedGoal(app: LiveApp, target: AppState): Goal | undefined {
  if (target === "RUNNING" && app.isUnsettled === true) return "run";
  if (app.former !== "inUse") return undefined;
  return target === "RUNNING" ? "run" : target === "PRESENT" ? "install" : undefined;
}

/**
 * True when the state that Studio names counts: what was built or published is over, as soon as Studio asks for
 * something else.
 */
export function adoptsState(app: LiveApp, request: AppRequest): boolean {
  if (app.id.stage !== "DEV" || request.current === undefined) return false;
  return app.state === "BUILT" || app.state === "PUBLISHED" || (app.state === "PRESENT" && app.target === "BUILT");
}

/** True when a request ends an upload that goes on: it cancels it, or wants a build of what is there. */
export function endsUpload(app: LiveApp, request: AppRequest): boolean {
  if (app.id.stage !== "DEV") return false;
  const target = stableTarget(request.target);
  if (app.state === "TRANSFERING") return transitionOf(app.state, target) === "cancel-transfer";
  const isIdle = isGone(app.state) || app.state === "PRESENT" || app.state === "FAILED";
  return isIdle && (target === "PRESENT" || target === "BUILT");
}

/** True when only a new request leads to more: a build is not repeated by itself. */
export function isReached(app: LiveApp): boolean {
  return app.id.stage === "DEV" && app.state === app.target;
}

/** True when the request asks for a version that is not installed. A removal never becomes an update. */
export function wantsUpdate(app: LiveApp, request: AppRequest): boolean {
  if (!request.requestUpdate || isGone(stableTarget(request.target))) return false;
  return request.newestVersion.trim() !== "" && request.newestVersion !== app.version;
}

/**
 * True when a request asks for an update that will not take place: to a version that has failed on this device, or to
 * none at all.
 */
export function isUpdateInVain(
  app: LiveApp,
  { request, update }: { request: AppRequest; update: StoredUpdate | undefined },
): boolean {
  if (isGone(app.state) || isGone(stableTarget(request.target))) return false;
  if (request.requestUpdate && request.newestVersion.trim() === "") return true;
  return wantsUpdate(app, request) && hasFailed(request.newestVersion, update);
}

/**
 * True when a request must not wait for the running transition: it removes what is being downloaded or updated, or it
 * says itself that it cancels. `step` is the one that is being done.
 */
export function interrupts(
  app: LiveApp,
  { request, step }: { request: AppRequest; step: Step | undefined },
): boolean {
  const target = stableTarget(request.target);
  const isRemoval = isGone(target);
  if (app.state === "UPDATING") return isRemoval || target === "PRESENT" || request.cancelTransition;
  if (!isRemoval || app.state === "DELETING") return false;
  return cancelableStates.has(app.state) || isPulling(step) || request.cancelTransition;
}

/**
 * True for a request that removes something from the device, or ends what it does, and brings nothing: when the disk is
 * too full to store it, that is one more reason to act on it.
 */
export function freesSpace(app: LiveApp | undefined, request: AppRequest): boolean {
  const target = stableTarget(request.target);
  if (isGone(target)) return true;
  if (app === undefined) return false;
  if (interrupts(app, { request, step: undefined })) return true;
  const transition = transitionOf(app.state, target);
  // Stopping a failed app also pulls a missing image; that download has a check of its own.
  return (transition === "stop" || transition === "recover-present") && !wantsUpdate(app, request);
}

/** The states of work that a removal does not wait for. */
const cancelableStates: ReadonlySet<AppState> = new Set(["DOWNLOADING", "BUILDING", "PUBLISHING"]);

/** What a transition of the table means for a DEV app. */
function choiceForDev(transition: Transition | "update", target: AppState): Decision {
  switch (transition) {
    case "build":
    case "publish":
      return { kind: "go", goal: transition };
    case "recover-present":
      return { kind: "go", goal: "recoverBuild" };
    case "remove-and-publish":
      return { kind: "go", goal: "publish" };
    case "install":
      // There is nothing to pull: its image is built here.
      return { kind: "noAction" };
    default:
      return choiceOf(transition, target);
  }
}

/** What a transition of the table means for a PROD app. */
function choiceOf(transition: Transition | "update", target: AppState): Decision {
  switch (transition) {
    case "install":
    case "run":
    case "stop":
    case "remove":
    case "uninstall":
    case "update":
      return { kind: "go", goal: transition };
    case "recover-run":
      return { kind: "go", goal: "run" };
    case "recover-present":
      return { kind: "go", goal: "recoverPresent" };
    case "cancel-pull":
    // Nothing is built, published or transferred for a PROD app: whatever Studio takes it for, it can be ended.
    case "cancel-build":
    case "cancel-push":
    case "cancel-transfer":
      return { kind: "go", goal: target === "UNINSTALLED" ? "uninstallCanceled" : "removeCanceled" };
    case "cancel-update":
      return { kind: "go", goal: goalAfterUpdate(target) };
    case "remove-and-publish":
      // Releases are made of DEV apps only; a running PROD app is where it should be.
      return { kind: "noAction" };
    case "no-action":
      return { kind: "noAction" };
    case "build":
      return refusal("not_available", "only DEV apps can be built");
    case "publish":
      return refusal("not_available", "only DEV apps can be published");
  }
}

function refusal(code: "no_space" | "not_available", text: string): Decision {
  return { kind: "refuse", error: new AgentError(code, text) };
}

function goalAfterUpdate(target: AppState): Goal {
  if (target === "REMOVED") return "remove";
  return target === "UNINSTALLED" ? "uninstall" : "stop";
}
