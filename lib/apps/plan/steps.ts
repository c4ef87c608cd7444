/** The vocabulary of plans: goals, the steps that lead to them, and which of them are done. Pure. */

import type { AppState } from "../../model/app.ts";

/** What a transition is to reach; what the table of states calls `recover-run` is `run`. */
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

/** One thing to do. Containers, images and folders of apps are changed by steps only. */
export type Step =
  /** Clears the log that viewers show. */
  | { kind: "clearViewer" }
  /** Clears the history of the app's log. */
  | { kind: "clearHistory" }
  /** One line for people in the app's log. */
  | { kind: "say"; text: string }
  /** Sets the state in memory and in the database, then reports it to Studio. */
  | { kind: "report"; state: AppState }
  /** Asks the registry for the size of the image, and opens the stream of a pull. */
  | { kind: "openPull"; tag: string }
  /** Reads the opened pull to its end. */
  | { kind: "readPull"; tag: string }
  | { kind: "createContainer"; tag: string }
  /** Starts the container that this transition has created. Listens for its exit first. */
  | { kind: "startContainer" }
  /** Waits until the started process counts as running. */
  | { kind: "awaitStartup" }
  /** The stop signal, a grace period, SIGKILL. */
  | { kind: "stopContainer"; id: string }
  /** `formerChannel`: its log, when the app had another name when it was made. */
  | { kind: "removeContainer"; id: string; formerChannel?: string }
  /** Removes the volumes of the app that its images have declared, with their data. */
  | { kind: "removeVolumes" }
  /** Waits for a removal that the engine has begun. */
  | { kind: "awaitGone"; id: string }
  /** Removes these tags of the app's own repository, and images without any other tag. `isNeeded` false: may fail. */
  | { kind: "untagImages"; tags: readonly string[]; isNeeded: boolean }
  /** Gives an image from before the app was renamed the name of today. */
  | { kind: "adoptFormerImage"; reference: string; tag: string }
  /** Removes names of images from before the app was renamed. `isNeeded` false: may fail. */
  | { kind: "dropFormerImages"; references: readonly string[]; isNeeded: boolean }
  /** Tells people that the app has another name, and where the data of the earlier one is. */
  | { kind: "sayRenamed"; from: string }
  /** Verifies that the image is the one that was pulled, and can run on this device. */
  | { kind: "verifyImage"; tag: string }
  /** Stores what the new release replaces, with the settings of its container: from here on there is a fallback. */
  | { kind: "openSwitch" }
  /** Makes the newest version the installed one, also in the stored request, and puts it on probation. */
  | { kind: "adoptVersion"; version: string; releaseKey: number }
  /** Makes the version before the installed one again, and stores that the release on probation has failed. */
  | { kind: "revertVersion" }
  /** Ends the probation: the release has proven that it runs. */
  | { kind: "closeUpdate" }
  /** Follows the log of the container. */
  | { kind: "followLogs" }
  /** Deletes the files that hold the app's variables and its credential. */
  | { kind: "deleteEnvFiles" }
  | { kind: "releasePorts" }
  /** Deletes the app's data folder. */
  | { kind: "deleteData" };

/** What this transition has done. It starts empty, also after a restart of the agent. */
export interface Progress {
  /** Keys of the steps that are done. */
  readonly done: ReadonlySet<string>;
  /** Id of the container that this transition has created. */
  readonly createdContainer: string | undefined;
}

/** The key under which a step is recorded as done. */
export function stepKey(step: Step): string {
  switch (step.kind) {
    case "say":
      return `say ${step.text}`;
    case "report":
      return `report ${step.state}`;
    case "sayRenamed":
      return `sayRenamed ${step.from.toLowerCase()}`;
    case "openPull":
    case "readPull":
    case "adoptFormerImage":
    case "verifyImage":
    case "createContainer":
      return `${step.kind} ${step.tag}`;
    case "stopContainer":
    case "removeContainer":
    case "awaitGone":
      return `${step.kind} ${step.id}`;
    case "clearViewer":
    case "clearHistory":
    case "startContainer":
    case "awaitStartup":
    case "untagImages":
    case "removeVolumes":
    case "dropFormerImages":
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

const pullKinds: ReadonlySet<Step["kind"]> = new Set(["openPull", "readPull"]);

const startKinds: ReadonlySet<Step["kind"]> = new Set(["createContainer", "startContainer", "awaitStartup"]);

/** True while a step downloads, or is about to. */
export function isPulling(step: Step | undefined): boolean {
  return step !== undefined && pullKinds.has(step.kind);
}

/** True for the steps from the creation of a container until it counts as running. */
export function isStarting(step: Step | undefined): boolean {
  return step !== undefined && startKinds.has(step.kind);
}
