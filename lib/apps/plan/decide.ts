/** Decides what a request means for an app: which transition it starts, and whether it interrupts one. Pure. */

import type { AppRequest, AppState } from "../../model/app.ts";
import { AgentError, hasCode } from "../../base/errors.ts";
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

const notAvailableText = "not available in this version";

/** Decides what a request leads to while nothing else is done with the app. */
export function decide(app: LiveApp, request: AppRequest, { mayUpdate, isEmergency }: Circumstances): Decision {
  const target = stableTarget(request.target);
  if (isEmergency && growsDisk(request.target)) return refusal("no_space", "the disk is too full");
  const isUpdate = mayUpdate && wantsUpdate(app, request);
  const transition = isUpdate ? "update" : transitionOf(app.state, target);
  if (transition === undefined) return { kind: "nothing" };
  const isCompose = isComposeApp(app, request, { isUpdate });
  if (transition === "no-action") {
    const goal = app.id.stage === "PROD" && !isCompose ? goalAfterRename(app, target) : undefined;
    return goal === undefined ? { kind: "noAction" } : { kind: "go", goal };
  }
  if (app.id.stage === "DEV" || isCompose) return refusal("not_available", notAvailableText);
  return choiceOf(transition, target);
}

/**
 * True when a decision is about a compose app. The release that is to come decides, unless one of another kind would
 * have to go first.
 */
function isComposeApp(app: LiveApp, request: AppRequest, { isUpdate }: { isUpdate: boolean }): boolean {
  const isInstalled = request.dockerCompose !== null && !isGone(app.state);
  return isUpdate ? request.newDockerCompose !== null || isInstalled : request.dockerCompose !== null;
}

/** What an app lacks that is as it should be, but under an earlier name. */
function goalAfterRename(app: LiveApp, target: AppState): Goal | undefined {
  if (app.former !== "inUse") return undefined;
  return target === "RUNNING" ? "run" : target === "PRESENT" ? "install" : undefined;
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

/** True when a refusal concerns the update only, and the installed container can go on. */
export function refusesUpdate(
  app: LiveApp,
  { request, error }: { request: AppRequest; error: AgentError },
): boolean {
  const isInstalled = !isGone(app.state) && request.dockerCompose === null;
  return isInstalled && wantsUpdate(app, request) && hasCode(error, "not_available");
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
  return app.state === "DOWNLOADING" || isPulling(step) || request.cancelTransition;
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

/** What a transition of the table means for a PROD app of one container. */
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
    case "publish":
      return refusal("not_available", notAvailableText);
  }
}

function refusal(code: "no_space" | "not_available", text: string): Decision {
  return { kind: "refuse", error: new AgentError(code, text) };
}

function goalAfterUpdate(target: AppState): Goal {
  if (target === "REMOVED") return "remove";
  return target === "UNINSTALLED" ? "uninstall" : "stop";
}
