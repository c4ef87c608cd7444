/** The vocabulary of plans: goals, the steps that lead to them, and which of them are done. Pure. */

import type { AppState } from "../../model/app.ts";

/** Where a transition wants to get; what the table of states calls `recover-run` is `run`. */
export type Goal =
  | "install"
  | "run"
  | "stop"
  | "remove"
  | "uninstall"
  | "recoverPresent"
  | "update"
  | "rollBack"
  | "closeUpdate"
  | "removeCanceled"
  | "uninstallCanceled"
  | "tidy";

/** One thing to do. Containers, images and folders are changed by steps only. */
export type Step =
  /** Viewers of the app's log forget what they show. */
  | { kind: "clearViewer" }
  /** The kept log lines of the app are forgotten. */
  | { kind: "clearHistory" }
  /** One line for people in the app's log. */
  | { kind: "say"; text: string }
  /** Keeps the state in memory and in the database, then tells Studio. */
  | { kind: "report"; state: AppState }
  /** The registry is asked whether it knows us, and how large the image is. */
  | { kind: "checkLogin"; tag: string }
  /** The engine opens the stream of a pull. */
  | { kind: "openPull"; tag: string }
  /** The opened pull is read to its end. */
  | { kind: "readPull"; tag: string }
  | { kind: "createContainer"; tag: string }
  /** Starts the container that this transition has created; its exit is listened for before. */
  | { kind: "startContainer" }
  /** Waits until the started process has outlived the settle window. */
  | { kind: "awaitSettled" }
  /** SIGTERM, a grace period, SIGKILL. */
  | { kind: "stopContainer"; id: string }
  | { kind: "removeContainer"; id: string }
  /** Waits for a removal that the engine has begun. */
  | { kind: "awaitGone"; id: string }
  /** Takes these tags from the app's own repository; an image goes with its last name. `isNeeded` false: it may fail. */
  | { kind: "untagImages"; tags: readonly string[]; isNeeded: boolean }
  /** The image was pulled whole and can run on this machine. */
  | { kind: "verifyImage"; tag: string }
  /** What the new release replaces is remembered, with the settings of its container; from here on there is a way back. */
  | { kind: "openSwitch" }
  /** The newest version becomes the installed one, in memory and in the stored request; it is on probation. */
  | { kind: "adoptVersion"; version: string; releaseKey: number }
  /** The version before becomes the installed one again, and the release on probation is remembered as failed. */
  | { kind: "revertVersion" }
  /** The release on probation has proven that it runs. */
  | { kind: "closeUpdate" }
  /** The container's log goes to the app's log. */
  | { kind: "followLogs" }
  /** The files that hold the app's variables and its credential. */
  | { kind: "deleteEnvFiles" }
  | { kind: "releasePorts" }
  /** The app's data folder. */
  | { kind: "deleteData" };

/** What this transition has done. It starts empty, also after a restart of the agent. */
export interface Progress {
  /** Keys of the steps that are through. */
  readonly done: ReadonlySet<string>;
  /** Id of the container that this transition has created. */
  readonly createdContainer: string | undefined;
}

/** The name under which a step is remembered as done. */
export function stepKey(step: Step): string {
  switch (step.kind) {
    case "say":
      return `say ${step.text}`;
    case "report":
      return `report ${step.state}`;
    case "openPull":
    case "readPull":
    case "verifyImage":
    case "createContainer":
      return `${step.kind} ${step.tag}`;
    case "stopContainer":
    case "removeContainer":
    case "awaitGone":
      return `${step.kind} ${step.id}`;
    case "clearViewer":
    case "clearHistory":
    case "checkLogin":
    case "startContainer":
    case "awaitSettled":
    case "untagImages":
    case "openSwitch":
    case "adoptVersion":
    case "revertVersion":
    case "closeUpdate":
    case "followLogs":
    case "deleteEnvFiles":
    case "releasePorts":
    case "deleteData":
      return step.kind;
  }
}

const pullKinds: ReadonlySet<Step["kind"]> = new Set(["checkLogin", "openPull", "readPull"]);

const startKinds: ReadonlySet<Step["kind"]> = new Set(["createContainer", "startContainer", "awaitSettled"]);

/** True while a step downloads, or is about to. */
export function isPulling(step: Step | undefined): boolean {
  return step !== undefined && pullKinds.has(step.kind);
}

/** True for the steps from the creation of a container until it counts as running. */
export function isStarting(step: Step | undefined): boolean {
  return step !== undefined && startKinds.has(step.kind);
}
