/**
 * Plans the steps that bring a compose app to a goal, as `container_plan.ts` does for an app of one container. Pure.
 * While an update or a return from one is under way, nothing is stopped before: starting the project replaces those
 * containers that do not fit, and no others.
 */

import { dropStaleImages } from "./container_plan.ts";
import {
  type Given,
  hasDone,
  hasServices,
  leaveFormerProjects,
  once,
  say,
  sayRunning,
  stopAndRemove,
} from "./given.ts";
import { isAlive, servicesInUse } from "../state/observed_app.ts";
import type { BuildGoal, Goal, Step } from "./steps.ts";

/** What is left to do, in order; empty when the goal is reached. */
export function composePlan(goal: Exclude<Goal, BuildGoal>, given: Given): Step[] {
  switch (goal) {
    case "install":
      return installProjectSteps(given);
    case "run":
      return runProjectSteps(given);
    case "stop":
      return stopProjectSteps(given);
    case "remove":
      return removeProjectSteps(given);
    case "uninstall":
      return [...removeProjectSteps(given), ...uninstallProjectSteps(given)];
    case "recoverPresent":
      return recoverPresentProjectSteps(given);
    case "update":
      return updateProjectSteps(given);
    case "rollBack":
      return rollBackProjectSteps(given);
    case "closeUpdate":
      return closeUpdateProjectSteps(given);
    case "removeCanceled":
      return removeCanceledProjectSteps(given);
    case "uninstallCanceled":
      return [...removeCanceledProjectSteps(given), ...uninstallProjectSteps(given)];
    case "tidy":
      return tidyProjectSteps(given);
  }
}

const pull = (images: readonly string[]): Step => ({ kind: "pullImages", images });
const sayPull = (appName: string): Step => say(`Downloading images for ${appName}...`);
const installed = say("Compose Image Installed successfully");

/** The images that the definition needs and the engine does not have. */
function missingImages({ wanted: { project }, observed }: Given): string[] {
  const here = observed.project?.images ?? {};
  return (project?.images ?? []).filter((image) => !Object.hasOwn(here, image));
}

/** What another kind of this app, or this app under another name, has left. Volumes stay. */
function leaveContainers(given: Given): Step[] {
  return [...given.observed.containers.flatMap(stopAndRemove), ...leaveFormerProjects(given)];
}

/**
 * What runs under an earlier name counts until there is something under the name of today. Of an app that is not to
 * run, a stop that was cut off has left containers that have ended.
 */
function tidyProjectSteps(given: Given): Step[] {
  const { observed, wanted: { project } } = given;
  const isAtWork = project?.isToRun !== false || observed.project?.services.some(({ status }) => isAlive(status));
  return [
    ...(hasServices(observed) ? leaveContainers(given) : []),
    ...(isAtWork === true ? [] : leaveServices(given)),
    ...dropOtherKind(given),
  ];
}

function installProjectSteps(given: Given): Step[] {
  const { wanted: { appName, project } } = given;
  return [
    ...once(
      given,
      ...[{ kind: "clearHistory" }, { kind: "checkProject" }, { kind: "report", state: "DOWNLOADING" }] as const,
    ),
    ...leaveContainers(given),
    ...leaveServices(given),
    ...once(given, sayPull(appName), pull(project?.images ?? []), installed, { kind: "report", state: "PRESENT" }),
  ];
}

function runProjectSteps(given: Given): Step[] {
  const { wanted: { appName, project }, progress } = given;
  const missing = missingImages(given);
  const isPulling = missing.length > 0 || hasDone(progress, pull([]));
  const isDownload = isPulling && project?.isFresh === true;
  return [
    ...once(given, { kind: "clearHistory" }, { kind: "checkProject" }, {
      kind: "report",
      state: isDownload ? "DOWNLOADING" : "STARTING",
    }),
    ...(isPulling ? once(given, sayPull(appName), pull(missing), installed) : []),
    ...(isDownload ? once(given, { kind: "report", state: "STARTING" }) : []),
    // An update that has come to nothing may have moved them.
    ...once(given, { kind: "restoreImages" }),
    ...startProjectSteps(given),
  ];
}

/** From images that are here to a project that runs. */
function startProjectSteps(given: Given): Step[] {
  const { appName } = given.wanted;
  return [
    ...leaveContainers(given),
    ...once(
      given,
      ...[say(`Starting ${appName}...`), { kind: "startProject" }, { kind: "awaitProject" }] as const,
      { kind: "report", state: "RUNNING" },
      sayRunning(given.wanted),
      { kind: "followProject" },
    ),
    ...dropOtherKind(given),
  ];
}

/** The images of other kinds and definitions, once no version can come back that needs them. */
function dropOtherKind(given: Given): Step[] {
  const { wanted: { fallback }, observed: { tags } } = given;
  if (fallback !== undefined) return [];
  return [
    ...(tags.length === 0 ? [] : once(given, { kind: "untagImages", tags, isNeeded: false })),
    ...dropStaleImages(given),
  ];
}

function leaveServices({ observed }: Given): Step[] {
  return hasServices(observed) ? [{ kind: "stopProject" }] : [];
}

function stopProjectSteps(given: Given): Step[] {
  const { wanted: { appName }, observed, progress } = given;
  const stopping: Step = { kind: "report", state: "STOPPING" };
  const hasStop = observed.containers.length > 0 || servicesInUse(observed).length > 0 || hasDone(progress, stopping);
  return [
    ...(hasStop ? once(given, stopping, say(`Received stop signal for ${appName}`)) : []),
    ...leaveContainers(given),
    ...leaveServices(given),
    ...once(given, { kind: "report", state: "PRESENT" }, say(`Successfully stopped ${appName}`)),
  ];
}

function removeProjectSteps(given: Given): Step[] {
  const { appName } = given.wanted;
  return [
    ...once(given, { kind: "clearHistory" }, say(`Starting removal process for ${appName}...`), {
      kind: "report",
      state: "DELETING",
    }),
    ...wipeProjectSteps(given),
    ...once(given, { kind: "report", state: "REMOVED" }, say(`Successfully removed ${appName}!`)),
  ];
}

function removeCanceledProjectSteps(given: Given): Step[] {
  return [...wipeProjectSteps(given), ...once(given, { kind: "report", state: "REMOVED" })];
}

/** Containers, networks and volumes first: an image that is in use cannot be removed. */
function wipeProjectSteps(given: Given): Step[] {
  const { observed: { tags, project } } = given;
  const images = [...Object.keys(project?.images ?? {}), ...project?.abandoned ?? []];
  return [
    ...leaveContainers(given),
    ...once(given, { kind: "downProject", withVolumes: true }),
    ...once(given, { kind: "dropKeptImages" }),
    ...(images.length === 0 ? [] : once(given, { kind: "dropImages", images, isNeeded: true })),
    ...(tags.length === 0 ? [] : once(given, { kind: "untagImages", tags, isNeeded: false })),
    ...once(
      given,
      ...[{ kind: "removeVolumes" }, { kind: "deleteEnvFiles" }] as const,
      { kind: "deleteProjectEnv" },
    ),
  ];
}

/** As for a single app, the folders go before the state that promises it. */
function uninstallProjectSteps(given: Given): Step[] {
  return once(
    given,
    ...[{ kind: "releasePorts" }, { kind: "deleteData" }, { kind: "deleteProjectFolder" }] as const,
    ...(given.wanted.isDev === true ? [{ kind: "deleteUpload" } as const] : []),
    { kind: "report", state: "UNINSTALLED" },
  );
}

function recoverPresentProjectSteps(given: Given): Step[] {
  const isPulling = missingImages(given).length > 0 || hasDone(given.progress, pull([]));
  if (isPulling) return installProjectSteps(given);
  return [...leaveContainers(given), ...leaveServices(given), ...once(given, { kind: "report", state: "PRESENT" })];
}

/**
 * Everything is pulled while the old release runs. An app that is to run is switched within this transition, so that
 * services that have not changed never stop.
 */
function updateProjectSteps(given: Given): Step[] {
  const { wanted: { appName, newest, project } } = given;
  const isToRun = project?.isToRun === true;
  const adopt: Step = { kind: "adoptVersion", version: newest.version, releaseKey: newest.releaseKey };
  return [
    ...once(
      given,
      ...[{ kind: "checkProject" }, { kind: "report", state: "UPDATING" }, { kind: "clearHistory" }] as const,
      ...[sayPull(appName), { kind: "keepImages" } as const, pull(project?.images ?? [])],
      ...[installed, { kind: "awaitPermission" } as const, { kind: "openSwitch" } as const],
    ),
    ...leaveContainers(given),
    ...(isToRun ? [] : leaveServices(given)),
    ...once(given, adopt, { kind: "report", state: "PRESENT" }),
    ...(isToRun ? afterAdoption(given) : []),
  ];
}

function afterAdoption(given: Given): Step[] {
  const { wanted } = given;
  const adopted = { ...given, wanted: { ...wanted, version: wanted.newest.version } };
  return [...once(given, { kind: "report", state: "STARTING" }), ...startProjectSteps(adopted)];
}

/** The version is reverted first: whatever interrupts the rest, the next start is one of the old version. */
function rollBackProjectSteps(given: Given): Step[] {
  const { wanted, progress } = given;
  const revert: Step = { kind: "revertVersion" };
  const restored = hasDone(progress, revert) ? wanted : {
    ...wanted,
    version: wanted.fallback ?? wanted.version,
    fallback: undefined,
  };
  return [...once(given, revert, { kind: "restoreImages" }), ...runProjectSteps({ ...given, wanted: restored })];
}

function closeUpdateProjectSteps(given: Given): Step[] {
  return [
    ...once(given, { kind: "closeUpdate" }),
    ...dropOtherKind({ ...given, wanted: { ...given.wanted, fallback: undefined } }),
  ];
}
