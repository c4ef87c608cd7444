/**
 * Plans the steps that build a DEV app from its upload, and publish it as a release. Pure. Builds are never begun by
 * the agent itself, and an interrupted one begins again from its start.
 */

import type { Step } from "./steps.ts";

/** What a transition of a DEV app is to reach besides what other apps can. */
export type BuildGoal = "build" | "publish" | "deleteUpload";

/** A step of these plans only. */
export type BuildStep =
  /** Reads the whole upload, and refuses what cannot be built before anything is done. */
  | { kind: "checkUpload" }
  /** Builds the image of a single container. */
  | { kind: "buildImage"; isRelease: boolean }
  /** Gives the built image the name of a release. */
  | { kind: "tagRelease"; version: string }
  | { kind: "pushImage"; version: string }
  /** Unpacks the upload for compose. */
  | { kind: "extractUpload" }
  /** Copies images of other registries that services are based on, and pushes the copies. */
  | { kind: "rehostImages" }
  /** Pushes the images of services that were built. */
  | { kind: "pushServices" }
  /** Deletes what was uploaded, packed and unpacked. */
  | { kind: "deleteUpload" };

/** Steps that compose is needed for, or that the log and the state of a build need. */
export type BuildRecordStep =
  /** `docker compose build`. */
  | { kind: "buildServices"; isRelease: boolean }
  /** Pulls the images of services that are not built. */
  | { kind: "pullServices" }
  /** Reports of the app say from now on whether it is built for a release. */
  | { kind: "markBuild"; isRelease: boolean }
  /** One line for people in the log of the release. */
  | { kind: "sayRelease"; text: string }
  /** Clears the history of the log of the release. */
  | { kind: "clearReleaseHistory" };

/** Every step of these plans. */
export type AnyBuildStep = BuildStep | BuildRecordStep | Extract<Step, { kind: "clearHistory" | "say" | "report" }>;

/** What these plans need to know of the app. */
export interface BuildWanted {
  appName: string;
  isCompose: boolean;
  /** Of the release that is published. */
  version: string;
}

/** In the log of an app, or of its release, when a build or a push was interrupted by a request. */
export const buildCanceledText = "The build stream was canceled";

/** See `buildCanceledText`. */
export const publishCanceledText = "The app release was canceled";

/** All steps to a goal, in order; those that are done are left out by their keys. */
export function planBuild(
  goal: BuildGoal,
  { wanted, done }: { wanted: BuildWanted; done: ReadonlySet<string> },
): AnyBuildStep[] {
  return stepsTo(goal, wanted).filter((step) => !done.has(buildStepKey(step)));
}

/** The key under which a step is recorded as done. It may be in a plan once only. */
export function buildStepKey(step: AnyBuildStep): string {
  switch (step.kind) {
    case "say":
    case "sayRelease":
      return `${step.kind} ${step.text}`;
    case "report":
      return `report ${step.state}`;
    case "buildImage":
    case "buildServices":
    case "markBuild":
      return `${step.kind} ${step.isRelease ? "release" : "app"}`;
    case "tagRelease":
    case "pushImage":
      return `${step.kind} ${step.version}`;
    case "clearHistory":
    case "checkUpload":
    case "extractUpload":
    case "rehostImages":
    case "pushServices":
    case "deleteUpload":
    case "pullServices":
    case "clearReleaseHistory":
      return step.kind;
  }
}

function stepsTo(goal: BuildGoal, wanted: BuildWanted): AnyBuildStep[] {
  switch (goal) {
    case "build":
      return buildSteps(wanted, { isRelease: false });
    case "publish":
      return publishSteps(wanted);
    case "deleteUpload":
      return [{ kind: "deleteUpload" }];
  }
}

/** `BUILDING` is reported once it is clear that there is something to build. */
function buildSteps({ isCompose }: BuildWanted, { isRelease }: { isRelease: boolean }): AnyBuildStep[] {
  const say = (text: string): AnyBuildStep => ({ kind: isRelease ? "sayRelease" : "say", text });
  return [
    { kind: "clearHistory" },
    { kind: "markBuild", isRelease },
    { kind: "report", state: "REMOVED" },
    { kind: "checkUpload" },
    ...(isCompose ? [{ kind: "extractUpload" } as const] : []),
    say("Starting image build..."),
    { kind: "report", state: "BUILDING" },
    ...(isCompose
      ? [
        { kind: "buildServices", isRelease } as const,
        ...(isRelease ? [] : [{ kind: "pullServices" } as const]),
        say("Compose Image built successfully"),
      ]
      : [{ kind: "buildImage", isRelease } as const, say("Image built successfully")]),
    { kind: "report", state: "BUILT" },
  ];
}

/** `PUBLISHING` is reported before the first push, which a cancel may answer at once. */
function publishSteps(wanted: BuildWanted): AnyBuildStep[] {
  const { appName, isCompose, version } = wanted;
  return [
    { kind: "sayRelease", text: `Initializing publish process for ${appName}...` },
    ...buildSteps(wanted, { isRelease: true }),
    { kind: "sayRelease", text: "App build has finished, Starting to publish..." },
    ...(isCompose ? [] : [{ kind: "tagRelease", version } as const]),
    { kind: "report", state: "PUBLISHING" },
    ...(isCompose
      ? [{ kind: "rehostImages" } as const, { kind: "pushServices" } as const]
      : [{ kind: "pushImage", version } as const]),
    { kind: "report", state: "PUBLISHED" },
    { kind: "clearReleaseHistory" },
  ];
}
