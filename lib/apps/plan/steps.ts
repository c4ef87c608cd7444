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
  | "tidy"
  /** DEV only: an image from what was uploaded; `recoverBuild` ends in PRESENT. */
  | "build"
  | "recoverBuild"
  /** DEV only: an image of the release, pushed to the registry. */
  | "publish";

/** The goals of apps that are built on the device. */
export type BuildGoal = "build" | "recoverBuild" | "publish";

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
  /** Waits while the app holds its update back. */
  | { kind: "awaitPermission" }
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
  | { kind: "deleteData" }
  | ProjectStep
  | BuildStep
  | BuildNoteStep;

/** The steps of compose apps. */
export type ProjectStep =
  /** Refuses a definition that cannot run on this device, and a device that has no compose. */
  | { kind: "checkProject" }
  /** Pulls these images, each to its end. */
  | { kind: "pullImages"; images: readonly string[] }
  /** Keeps the images of the installed definition under names of the agent, because a pull may move their tags. */
  | { kind: "keepImages" }
  /** Gives the images of the installed definition their tags back, if an update has kept them. */
  | { kind: "restoreImages" }
  /** Removes images of services. `isNeeded` false: they are those of a release that has gone. */
  | { kind: "dropImages"; images: readonly string[]; isNeeded: boolean }
  /** Removes the names that `keepImages` has made. */
  | { kind: "dropKeptImages" }
  /** Writes the files of the project and starts it: containers that fit already are left alone. */
  | { kind: "startProject" }
  /** Waits until every service counts as running. */
  | { kind: "awaitProject" }
  /** Stops and removes the containers of the project; volumes and networks stay. */
  | { kind: "stopProject" }
  /** Removes the project: containers, networks, and with `withVolumes` its volumes with their data. */
  | { kind: "downProject"; withVolumes: boolean }
  /** Removes containers and networks of the project that the app had under another name; its volumes stay. */
  | { kind: "downFormerProject"; project: string; from: string }
  /** Builds the images of the services that have a build section. */
  | { kind: "buildServices"; isRelease: boolean }
  /** Pulls the images of services that are not built. */
  | { kind: "pullServices" }
  /** Follows the logs of all services. */
  | { kind: "followProject" }
  /** Deletes the file with the variables of the project. */
  | { kind: "deleteProjectEnv" }
  /** Deletes the folder of the project. */
  | { kind: "deleteProjectFolder" };

/** The steps of apps that are built on the device. */
export type BuildStep =
  /** Reads the whole upload, and refuses what cannot be built before anything is done. */
  | { kind: "checkUpload" }
  /** Builds the image of a single container. */
  | { kind: "buildImage"; isRelease: boolean }
  /** Gives the built image the name of a release. */
  | { kind: "tagRelease"; version: string }
  | { kind: "pushImage"; version: string }
  /** Removes the names of releases that were made for pushes, unless the app is installed as PROD, too. */
  | { kind: "dropReleases"; except?: string }
  /** Unpacks the upload for compose. */
  | { kind: "extractUpload" }
  /** Copies images of other registries that services are based on, and pushes the copies. */
  | { kind: "rehostImages" }
  /** Pushes the images of services that were built. */
  | { kind: "pushServices" }
  /** Deletes what was uploaded, packed and unpacked. */
  | { kind: "deleteUpload" };

/** The steps of builds that only tell of them. */
export type BuildNoteStep =
  /** Reports of the app say from now on whether it is built for a release. */
  | { kind: "markBuild"; isRelease: boolean }
  /** One line for people in the log of the release. */
  | { kind: "sayRelease"; text: string }
  /** Clears the history of the log of the release. */
  | { kind: "clearReleaseHistory" };

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
    case "sayRelease":
      return `${step.kind} ${step.text}`;
    case "report":
      return `report ${step.state}`;
    case "sayRenamed":
      return `sayRenamed ${step.from.toLowerCase()}`;
    case "buildImage":
    case "buildServices":
    case "markBuild":
      return `${step.kind} ${step.isRelease ? "release" : "app"}`;
    case "tagRelease":
    case "pushImage":
      return `${step.kind} ${step.version}`;
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
    case "downFormerProject":
      return `${step.kind} ${step.project}`;
    default:
      // A transition does each of the others once.
      return step.kind;
  }
}

/** True for steps of compose apps, whose effects are loaded when the first one is performed. */
export function isProjectStep(step: Step): step is ProjectStep {
  return projectKinds.has(step.kind);
}

/** True for steps of builds, whose effects are loaded when the first one is performed. */
export function isBuildStep(step: Step): step is BuildStep {
  return buildKinds.has(step.kind);
}

const projectKinds: ReadonlySet<Step["kind"]> = new Set<ProjectStep["kind"]>([
  ...["checkProject", "pullImages", "keepImages", "restoreImages", "dropImages", "dropKeptImages"] as const,
  ...["startProject", "awaitProject", "stopProject", "downProject", "downFormerProject", "followProject"] as const,
  ...["deleteProjectEnv", "deleteProjectFolder", "buildServices", "pullServices"] as const,
]);

const buildKinds: ReadonlySet<Step["kind"]> = new Set<BuildStep["kind"]>([
  ...["checkUpload", "buildImage", "tagRelease", "pushImage", "extractUpload"] as const,
  ...["dropReleases", "rehostImages", "pushServices", "deleteUpload"] as const,
]);

const pullKinds: ReadonlySet<Step["kind"]> = new Set([
  ...["openPull", "readPull", "pullImages"] as const,
]);

const startKinds: ReadonlySet<Step["kind"]> = new Set([
  ...["createContainer", "startContainer", "awaitStartup", "startProject", "awaitProject"] as const,
]);

/** True while a step downloads, or is about to. */
export function isPulling(step: Step | undefined): boolean {
  return step !== undefined && pullKinds.has(step.kind);
}

/** True for the steps from the creation of a container until it counts as running. */
export function isStarting(step: Step | undefined): boolean {
  return step !== undefined && startKinds.has(step.kind);
}
