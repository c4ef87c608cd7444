/**
 * Decides what is to be done next for a PROD app of one container: goal, what is seen and what this transition has done become a
 * list of typed steps. Pure. After each step the runner knows what is there and asks anew, so that a step may run twice, fail, or be
 * cut anywhere.
 */

import { type Goal, type Progress, type Step, stepKey } from "./steps.ts";

/** The app's container as the engine shows it. */
export interface SeenContainer {
  id: string;
  /** The engine's word: `created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`. */
  status: string;
}

/** What the engine has of an app. */
export interface Seen {
  container: SeenContainer | undefined;
  /** Tags of the app's own repository. */
  tags: readonly string[];
}

/** What the plan needs to know of the app. */
export interface Wanted {
  appName: string;
  /** The version that runs next (for an update: the one that runs now). */
  version: string;
  /** Where an update goes. */
  newest: { version: string; releaseKey: number };
  /** The version to return to while an update is on its way or on probation; undefined at all other times. */
  fallback: string | undefined;
}

/** Everything a plan is made from. */
export interface Given {
  wanted: Wanted;
  seen: Seen;
  progress: Progress;
}

/** What is left to do, in order; empty when the goal is reached. */
export function plan(goal: Goal, given: Given): Step[] {
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
    ...pullSteps(given, version),
    ...once(given, sayInstalled(appName, version), { kind: "report", state: "PRESENT" }),
  ];
}

function runSteps(given: Given): Step[] {
  const { wanted: { appName, version }, seen, progress } = given;
  // A small image is there before its pull has been read.
  const isPulling = !seen.tags.includes(version) || hasDone(progress, { kind: "openPull", tag: version });
  return [
    ...(isPulling ? once(given, { kind: "clearViewer" }) : []),
    ...once(given, { kind: "clearHistory" }, say(`Starting ${appName}...`), { kind: "report", state: "STARTING" }),
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
      say(`Now running app ${appName} (${version})`),
      { kind: "followLogs" },
    ),
    ...dropOthers(given),
  ];
}

/** Images of other versions are of no use any more, except the one that there is a way back to. */
function dropOthers(given: Given): Step[] {
  const { wanted: { version, fallback }, seen } = given;
  const others = seen.tags.filter((tag) => tag !== version && tag !== fallback);
  return others.length === 0 ? [] : once(given, { kind: "untagImages", tags: others, isNeeded: false });
}

/** Takes away what a transition would have taken away that was cut in its last step. */
function tidySteps(given: Given): Step[] {
  const { wanted: { version }, seen: { tags } } = given;
  return tags.includes(version) ? dropOthers(given) : [];
}

/** A container is never taken over from before: its settings, also its variables, may have changed. */
function startSteps(given: Given): Step[] {
  const { wanted, seen: { container }, progress } = given;
  const start: Step = { kind: "startContainer" };
  const settle: Step = { kind: "awaitSettled" };
  if (hasDone(progress, start)) return once(given, settle);
  if (container !== undefined && container.id === progress.madeContainer) return [start, settle];
  return [
    ...(container === undefined ? [] : [removal(container)]),
    { kind: "createContainer", tag: wanted.version },
    start,
    settle,
  ];
}

function stopSteps(given: Given): Step[] {
  const { wanted: { appName }, seen: { container }, progress } = given;
  const stopping: Step = { kind: "report", state: "STOPPING" };
  const hasStop = container !== undefined || hasDone(progress, stopping);
  return [
    ...(hasStop ? once(given, stopping, say(`Received stop signal for ${appName}`)) : []),
    ...stopAndRemove(container),
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
    ...wipeSteps(given),
    ...once(given, { kind: "report", state: "REMOVED" }, say(`Successfully removed ${appName}!`)),
  ];
}

/** After a canceled pull: nothing worked before, so Studio hears of the end only. */
function removeCanceledSteps(given: Given): Step[] {
  return [...wipeSteps(given), ...once(given, { kind: "report", state: "REMOVED" })];
}

/** The folder goes first: who hears `UNINSTALLED` may rely on it, and the stored request brings us back when it is cut. */
function uninstallSteps(given: Given): Step[] {
  return once(
    given,
    { kind: "releasePorts" },
    { kind: "deleteData" },
    { kind: "report", state: "UNINSTALLED" },
  );
}

function recoverPresentSteps(given: Given): Step[] {
  const { wanted, seen: { container, tags }, progress } = given;
  const isPulling = tags.length === 0 || hasDone(progress, { kind: "openPull", tag: wanted.version });
  return [
    ...(container === undefined ? [] : [removal(container)]),
    ...(isPulling ? installSteps(given) : once(given, { kind: "report", state: "PRESENT" })),
  ];
}

/**
 * The new image is pulled and verified while the old container runs; only then is the container taken away. Its image and its
 * settings are kept until the new release has run for a while. A window for the switch, and a limit for the download, go before
 * `openSwitch` and into `pullSteps()`.
 */
function updateSteps(given: Given): Step[] {
  const { wanted: { appName, newest }, seen: { container } } = given;
  return [
    ...once(given, { kind: "report", state: "UPDATING" }, { kind: "clearHistory" }),
    ...pullSteps(given, newest.version, { isUpdate: true }),
    ...once(given, { kind: "verifyImage", tag: newest.version }, sayInstalled(appName, newest.version), {
      kind: "openSwitch",
    }),
    ...stopAndRemove(container),
    ...once(
      given,
      { kind: "adoptVersion", version: newest.version, releaseKey: newest.releaseKey },
      { kind: "report", state: "PRESENT" },
    ),
  ];
}

/** The version counts first: whatever cuts the rest, the next start of the app is one of the old version. */
function rollBackSteps(given: Given): Step[] {
  const { wanted, progress } = given;
  const revert: Step = { kind: "revertVersion" };
  if (hasDone(progress, revert)) return runSteps(given);
  const { fallback, version } = wanted;
  return [revert, ...runSteps({ ...given, wanted: { ...wanted, version: fallback ?? version, fallback: undefined } })];
}

/** Once the update is closed nothing goes back to the version before, so its image goes too. */
function closeUpdateSteps(given: Given): Step[] {
  const close: Step = { kind: "closeUpdate" };
  if (hasDone(given.progress, close)) return dropOthers(given);
  return [close, ...dropOthers({ ...given, wanted: { ...given.wanted, fallback: undefined } })];
}

/** `DOWNLOADING` is told once the stream is open, because Studio may answer it with a cancel at once. */
function pullSteps(given: Given, tag: string, options: { isUpdate?: boolean } = {}): Step[] {
  const sayPull = say(`Initialising download for the app: ${given.wanted.appName}...`);
  const read: Step = { kind: "readPull", tag };
  if (hasDone(given.progress, read)) return [];
  return once(
    given,
    sayPull,
    { kind: "checkLogin", tag },
    { kind: "openPull", tag },
    ...(options.isUpdate ? [] : [{ kind: "report", state: "DOWNLOADING" } as const]),
    read,
  );
}

function wipeSteps(given: Given): Step[] {
  const { container, tags } = given.seen;
  return [
    ...(container === undefined ? [] : [removal(container)]),
    ...(tags.length === 0 ? [] : [{ kind: "untagImages", tags, isNeeded: true } as const]),
    ...once(given, { kind: "deleteEnvFiles" }),
  ];
}

function stopAndRemove(container: SeenContainer | undefined): Step[] {
  if (container === undefined) return [];
  const isAlive = ["running", "paused", "restarting"].includes(container.status);
  return [...(isAlive ? [{ kind: "stopContainer", id: container.id } as const] : []), removal(container)];
}

function removal(container: SeenContainer): Step {
  return { kind: container.status === "removing" ? "awaitGone" : "removeContainer", id: container.id };
}

function say(text: string): Step {
  return { kind: "say", text };
}

function sayInstalled(appName: string, version: string): Step {
  return say(`Succesfully installed the app: ${appName} (Version: ${version})`);
}

function once(given: Given, ...steps: Step[]): Step[] {
  return steps.filter((step) => !hasDone(given.progress, step));
}

function hasDone(progress: Progress, step: Step): boolean {
  return progress.done.has(stepKey(step));
}
