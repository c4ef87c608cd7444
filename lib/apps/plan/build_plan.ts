/**
 * Plans the steps that build a DEV app from its upload, and publish it as a release. Pure. Builds are never begun by
 * the agent itself, and an interrupted one begins again from its start.
 */

import { type Given, once, stopAndRemove } from "./given.ts";
import type { BuildGoal, Step } from "./steps.ts";

/** In the log of an app, or of its release, when a build or a push was interrupted by a request. */
export const buildCanceledText = "The build stream was canceled";

/** See `buildCanceledText`. */
export const publishCanceledText = "The app release was canceled";

/** What is left to do, in order; empty when the goal is reached. */
export function buildPlan(goal: BuildGoal, given: Given): Step[] {
  return [...leaveRunning(given), ...once(given, ...stepsTo(goal, given))];
}

/** An app that runs is stopped before it is built: its image is about to change. */
function leaveRunning({ observed: { containers, project } }: Given): Step[] {
  const hasServices = project !== undefined && project.services.length > 0;
  return [...containers.flatMap(stopAndRemove), ...(hasServices ? [{ kind: "stopProject" } as const] : [])];
}

function stepsTo(goal: BuildGoal, given: Given): Step[] {
  switch (goal) {
    case "build":
      return buildSteps(given, { isRelease: false });
    case "recoverBuild":
      return [...buildSteps(given, { isRelease: false }), { kind: "report", state: "PRESENT" }];
    case "publish":
      return publishSteps(given);
  }
}

/** `BUILDING` is reported once it is clear that there is something to build. */
function buildSteps({ wanted: { project } }: Given, { isRelease }: { isRelease: boolean }): Step[] {
  const say = (text: string): Step => ({ kind: isRelease ? "sayRelease" : "say", text });
  const isCompose = project !== undefined;
  return [
    { kind: "clearHistory" },
    { kind: "markBuild", isRelease },
    { kind: "report", state: "REMOVED" },
    { kind: "checkUpload" },
    ...(isCompose ? [{ kind: "checkProject" } as const, { kind: "extractUpload" } as const] : []),
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
function publishSteps(given: Given): Step[] {
  const { wanted: { appName, project, release: version = "" } } = given;
  const isCompose = project !== undefined;
  return [
    { kind: "sayRelease", text: `Initializing publish process for ${appName}...` },
    ...buildSteps(given, { isRelease: true }),
    { kind: "sayRelease", text: "App build has finished, Starting to publish..." },
    ...(isCompose ? [] : [{ kind: "tagRelease", version } as const]),
    { kind: "report", state: "PUBLISHING" },
    ...(isCompose
      ? [{ kind: "rehostImages" } as const, { kind: "pushServices" } as const]
      : [{ kind: "pushImage", version } as const]),
    { kind: "report", state: "PUBLISHED" },
    { kind: "clearReleaseHistory" },
    ...(isCompose ? [] : [{ kind: "dropReleases", except: version } as const]),
  ];
}
