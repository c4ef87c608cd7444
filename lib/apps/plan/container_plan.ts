/**
 * Plans the steps that bring a PROD app of one container to a goal, from what the app wants, what the engine has and
 * what this transition has done. Pure. After each step the transition observes and plans again, so a step may run
 * twice, fail, or be interrupted anywhere.
 */

import { type ObservedContainer, soleContainer } from "../state/observed_app.ts";
import {
  type Given,
  hasDone,
  hasServices,
  leaveFormerProjects,
  once,
  say,
  sayDownload,
  sayInstalled,
  sayRunning,
  stopAndRemove,
} from "./given.ts";
import type { BuildGoal, Goal, Step } from "./steps.ts";

/** What is left to do, in order; empty when the goal is reached. */
export function containerPlan(goal: Exclude<Goal, BuildGoal>, given: Given): Step[] {
  switch (goal) {
    case "install":
      return installSteps(given);
    case "run":
      return runSteps(given);
    case "stop":
      return stopSteps(given);
    case "remove":
      return removeSteps(given);
    case "uninstall":
      return [...removeSteps(given), ...uninstallSteps(given)];
    case "recoverPresent":
      return recoverPresentSteps(given);
    case "update":
      return updateSteps(given);
    case "rollBack":
      return rollBackSteps(given);
    case "closeUpdate":
      return closeUpdateSteps(given);
    case "removeCanceled":
      return removeCanceledSteps(given);
    case "uninstallCanceled":
      return [...removeCanceledSteps(given), ...uninstallSteps(given)];
    case "tidy":
      return tidySteps(given);
  }
}

function installSteps(given: Given): Step[] {
  const { appName, version } = given.wanted;
  return [
    ...once(given, { kind: "clearViewer" }, { kind: "clearHistory" }),
    ...renamedSteps(given),
    ...pullSteps(given, version),
    ...formerContainers(given).flatMap(stopAndRemove),
    ...once(given, sayInstalled(appName, version), { kind: "report", state: "PRESENT" }),
    ...dropFormerImages(given),
  ];
}

function runSteps(given: Given): Step[] {
  const { wanted: { appName, version, isDev = false }, observed, progress } = given;
  // A small image is there before its pull has been read.
  const isMissing = !observed.tags.includes(version) || hasDone(progress, { kind: "openPull", tag: version });
  const isPulling = isMissing && !isDev;
  return [
    ...(isPulling ? once(given, { kind: "clearViewer" }) : []),
    ...once(given, { kind: "clearHistory" }, say(`Starting ${appName}...`), { kind: "report", state: "STARTING" }),
    ...renamedSteps(given),
    ...(isPulling
      ? [
        ...pullSteps(given, version),
        ...once(given, sayInstalled(appName, version), { kind: "report", state: "PRESENT" }),
      ]
      : []),
    ...startSteps(given),
    ...once(
      given,
      { kind: "report", state: "RUNNING" },
      sayRunning(given.wanted),
      { kind: "followLogs" },
    ),
    ...dropOthers(given),
  ];
}

/** Removes the images of all other versions, except that of the fallback, and those of other names. */
function dropOthers(given: Given): Step[] {
  const { wanted: { version, fallback }, observed } = given;
  const others = observed.tags.filter((tag) => tag !== version && tag !== fallback);
  return [
    ...(others.length === 0 ? [] : once(given, { kind: "untagImages", tags: others, isNeeded: false })),
    ...dropFormerImages(given),
    ...dropStaleImages(given),
  ];
}

/** Those of the services of a compose app, as which the app does not come back, and of releases it never was. */
export function dropStaleImages(given: Given): Step[] {
  const { wanted: { staleImages = [], fallback }, observed: { project } } = given;
  if (fallback !== undefined || project === undefined) return [];
  const stale = staleImages.filter((image) => project.images[image] !== undefined);
  const images = [...stale, ...project.abandoned ?? []];
  // An image whose last tag goes, goes as a whole.
  return [
    ...(project.hasKeptImages === false ? [] : once(given, { kind: "restoreImages" }, { kind: "dropKeptImages" })),
    ...(images.length === 0 ? [] : once(given, { kind: "dropImages", images, isNeeded: false })),
  ];
}

/** The one of the fallback stays until there is none, because a return has to work without the registry. */
function dropFormerImages(given: Given): Step[] {
  const { wanted: { fallback }, observed: { formerImages = [] } } = given;
  const references = formerImages.filter(({ tag }) => tag !== fallback).map(({ reference }) => reference);
  return references.length === 0 ? [] : once(given, { kind: "dropFormerImages", references, isNeeded: false });
}

/** Containers that were made when the app had another name. They run until everything is there to replace them. */
function formerContainers({ observed }: Given): ObservedContainer[] {
  return observed.containers.filter(({ formerName }) => formerName !== undefined);
}

/** Tells people of each name that the app had before, and of the data that stays under it. */
function renamedSteps(given: Given): Step[] {
  const { wanted: { appName }, observed: { containers, formerImages = [] } } = given;
  // Last the containers, whose labels have the name as people write it.
  const names = [
    ...formerImages.map((image) => image.appName),
    ...containers.map(({ formerName = appName }) => formerName),
  ];
  const former = new Map(names.map((name) => [name.toLowerCase(), name]));
  former.delete(appName.toLowerCase());
  return once(given, ...[...former.values()].map((from): Step => ({ kind: "sayRenamed", from })));
}

/** Removes what a transition has left that was interrupted in its last step. */
function tidySteps(given: Given): Step[] {
  const { wanted: { version }, observed } = given;
  const leftovers = soleContainer(observed)?.formerName === undefined ? formerContainers(given) : [];
  return [
    ...leftovers.flatMap(stopAndRemove),
    ...(observed.tags.includes(version) ? dropOthers(given) : []),
  ];
}

/** An existing container is never reused: its settings, such as variables, may have changed. */
function startSteps(given: Given): Step[] {
  const { wanted, observed, progress } = given;
  const container = soleContainer(observed);
  const start: Step = { kind: "startContainer" };
  const settle: Step = { kind: "awaitStartup" };
  if (hasDone(progress, start)) return once(given, settle);
  if (container !== undefined && container.id === progress.createdContainer) return [start, settle];
  return [
    ...observed.containers.flatMap(stopAndRemove),
    ...leaveProject(given),
    { kind: "createContainer", tag: wanted.version },
    start,
    settle,
  ];
}

/** The app was a compose app before; the data in its volumes stays. */
function leaveProject(given: Given): Step[] {
  const leave: Step[] = hasServices(given.observed) ? [{ kind: "downProject", withVolumes: false }] : [];
  return [...leave, ...leaveFormerProjects(given)];
}

function stopSteps(given: Given): Step[] {
  const { wanted: { appName }, observed, progress } = given;
  const container = soleContainer(observed);
  const stopping: Step = { kind: "report", state: "STOPPING" };
  const hasStop = container !== undefined || hasServices(observed) || hasDone(progress, stopping);
  return [
    ...(hasStop ? once(given, stopping, say(`Received stop signal for ${appName}`)) : []),
    ...observed.containers.flatMap(stopAndRemove),
    ...leaveProject(given),
    ...once(given, { kind: "report", state: "PRESENT" }, say(`Successfully stopped ${appName}`)),
  ];
}

function removeSteps(given: Given): Step[] {
  const { appName } = given.wanted;
  return [
    ...once(
      given,
      { kind: "clearHistory" },
      say(`Starting removal process for ${appName}...`),
      { kind: "report", state: "DELETING" },
    ),
    ...renamedSteps(given),
    ...wipeSteps(given),
    ...once(given, { kind: "report", state: "REMOVED" }, say(`Successfully removed ${appName}!`)),
  ];
}

/** After a canceled pull only the end is reported: nothing was there before. */
function removeCanceledSteps(given: Given): Step[] {
  return [...wipeSteps(given), ...once(given, { kind: "report", state: "REMOVED" })];
}

/**
 * The folder is deleted first: `UNINSTALLED` promises that it is gone, and after an interruption the stored request
 * leads here again.
 */
function uninstallSteps(given: Given): Step[] {
  const { wanted: { isDev = false }, observed: { project } } = given;
  return once(
    given,
    { kind: "releasePorts" },
    { kind: "deleteData" },
    ...(project === undefined ? [] : [{ kind: "deleteProjectFolder" } as const]),
    ...(isDev ? [{ kind: "deleteUpload" } as const] : []),
    { kind: "report", state: "UNINSTALLED" },
  );
}

function recoverPresentSteps(given: Given): Step[] {
  const { wanted, observed, progress } = given;
  const isPulling = observed.tags.length === 0 || hasDone(progress, { kind: "openPull", tag: wanted.version });
  return [
    ...observed.containers.flatMap(stopAndRemove),
    ...leaveProject(given),
    ...(isPulling ? installSteps(given) : once(given, { kind: "report", state: "PRESENT" })),
  ];
}

/**
 * The new image is pulled and verified while the old container runs; only then is that container removed. Its image and
 * its settings are kept until the new release has run for a while. A time window for updates would go before
 * `openSwitch`, a limit for the download into `pullSteps()`.
 */
function updateSteps(given: Given): Step[] {
  const { wanted: { appName, newest }, observed } = given;
  return [
    ...once(given, { kind: "report", state: "UPDATING" }, { kind: "clearHistory" }),
    ...renamedSteps(given),
    ...pullSteps(given, newest.version, { isUpdate: true }),
    ...once(
      given,
      ...[{ kind: "verifyImage", tag: newest.version } as const, sayInstalled(appName, newest.version)],
      ...[{ kind: "awaitPermission" } as const, { kind: "openSwitch" } as const],
    ),
    ...observed.containers.flatMap(stopAndRemove),
    ...leaveProject(given),
    ...once(
      given,
      { kind: "adoptVersion", version: newest.version, releaseKey: newest.releaseKey },
      { kind: "report", state: "PRESENT" },
    ),
  ];
}

/** The version is reverted first: whatever interrupts the rest, the next start is one of the old version. */
function rollBackSteps(given: Given): Step[] {
  const { progress } = given;
  const wanted = { ...given.wanted, mayUseFormerImage: true };
  const revert: Step = { kind: "revertVersion" };
  if (hasDone(progress, revert)) return runSteps({ ...given, wanted });
  const { fallback, version } = wanted;
  return [revert, ...runSteps({ ...given, wanted: { ...wanted, version: fallback ?? version, fallback: undefined } })];
}

/** Once the update is closed, nothing goes back to the version before, so its image is removed too. */
function closeUpdateSteps(given: Given): Step[] {
  const close: Step = { kind: "closeUpdate" };
  if (hasDone(given.progress, close)) return dropOthers(given);
  return [close, ...dropOthers({ ...given, wanted: { ...given.wanted, fallback: undefined } })];
}

/** `DOWNLOADING` is reported once the stream is open, because Studio may answer it with a cancel at once. */
function pullSteps(given: Given, tag: string, options: { isUpdate?: boolean } = {}): Step[] {
  const { wanted: { mayUseFormerImage = false }, observed: { tags, formerImages = [] } } = given;
  const former = formerImages.find((image) => image.tag === tag);
  const adopt: Step | undefined = former && { kind: "adoptFormerImage", reference: former.reference, tag };
  if (mayUseFormerImage && (tags.includes(tag) || adopt !== undefined)) return adopt ? once(given, adopt) : [];
  const sayPull = sayDownload(given.wanted.appName);
  const read: Step = { kind: "readPull", tag };
  if (hasDone(given.progress, read)) return [];
  return once(
    given,
    sayPull,
    { kind: "openPull", tag },
    ...(options.isUpdate ? [] : [{ kind: "report", state: "DOWNLOADING" } as const]),
    read,
  );
}

/** An app that was a compose app leaves nothing of that either. */
function wipeProject(given: Given): Step[] {
  const former = leaveFormerProjects(given);
  if (given.observed.project === undefined) return former;
  const rest = [{ kind: "dropKeptImages" }, { kind: "deleteProjectEnv" }] as const;
  return [...former, ...once(given, { kind: "downProject", withVolumes: true }, ...rest)];
}

function wipeSteps(given: Given): Step[] {
  const { wanted: { isDev = false }, observed: { containers, tags, formerImages = [] } } = given;
  const references = formerImages.map(({ reference }) => reference);
  return [
    ...containers.flatMap(stopAndRemove),
    ...wipeProject(given),
    ...(tags.length === 0 ? [] : [{ kind: "untagImages", tags, isNeeded: true } as const]),
    ...(references.length === 0 ? [] : [{ kind: "dropFormerImages", references, isNeeded: true } as const]),
    ...(isDev ? once(given, { kind: "dropReleases" }) : []),
    ...once(given, { kind: "removeVolumes" }, { kind: "deleteEnvFiles" }),
  ];
}
