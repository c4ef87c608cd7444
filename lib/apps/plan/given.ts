/** What plans are made from, and the pieces that plans of all kinds share. Pure. */

import { isAlive, type ObservedApp, type ObservedContainer } from "../state/observed_app.ts";
import { type Progress, type Step, stepKey } from "./steps.ts";

/** What a plan needs to know of the app. */
export interface Wanted {
  appName: string;
  /** The version that runs next; for an update, the one that runs until then. */
  version: string;
  /** Where an update goes. */
  newest: { version: string; releaseKey: number };
  /** The version to return to while an update is under way or on probation; undefined at all other times. */
  fallback: string | undefined;
  /** An image of the app from before it was renamed is good enough: the registry cannot be asked, or has failed. */
  mayUseFormerImage?: boolean;
  /** Set for a compose app; for an update, if the new release is one; for a roll-back, if the one before was. */
  project?: WantedProject;
  /** Images of services that belong to no definition that counts: those of a compose release that has gone. */
  staleImages?: readonly string[];
  /** The app is built on this device. */
  isDev?: boolean;
  /** The release that a developer publishes. */
  release?: string;
}

/** What a plan needs to know of a compose app. */
export interface WantedProject {
  /** The images to pull for the definition that runs next, as the device calls them. */
  images: readonly string[];
  /** Nothing of the app was on the device when the transition began. */
  isFresh: boolean;
  /** Studio wants the app to run. */
  isToRun: boolean;
}

/** Everything a plan is made from. */
export interface Given {
  wanted: Wanted;
  observed: ObservedApp;
  progress: Progress;
}

/** A line in the app's log. */
export function say(text: string): Step {
  return { kind: "say", text };
}

/** Tells people that a version is on the device. */
export function sayInstalled(appName: string, version: string): Step {
  return say(`Succesfully installed the app: ${appName} (Version: ${version})`);
}

/** Tells people that the app runs. DEV apps of one container have no version. */
export function sayRunning({ appName, version, isDev = false, project }: Wanted): Step {
  return say(isDev && project === undefined ? `Now running app ${appName}` : `Now running app ${appName} (${version})`);
}

/** Tells people that a download begins. */
export function sayDownload(appName: string): Step {
  return say(`Initialising download for the app: ${appName}...`);
}

/** Those of the steps that this transition has not done yet. */
export function once(given: Given, ...steps: Step[]): Step[] {
  return steps.filter((step) => !hasDone(given.progress, step));
}

/** True when this transition has done the step. */
export function hasDone(progress: Progress, step: Step): boolean {
  return progress.done.has(stepKey(step));
}

/** An app may have to store something before it ends, whatever its container is removed for. */
export function stopAndRemove(container: ObservedContainer): Step[] {
  const isRunning = isAlive(container.status);
  return [...(isRunning ? [{ kind: "stopContainer", id: container.id } as const] : []), removal(container)];
}

function removal(container: ObservedContainer): Step {
  const { id, name, status, formerName } = container;
  if (status === "removing") return { kind: "awaitGone", id };
  return { kind: "removeContainer", id, ...(formerName === undefined ? {} : { formerChannel: name }) };
}

/**
 * Takes down the projects that the app had under other names. Told once a name; the data of volumes and folders stays.
 */
export function leaveFormerProjects(given: Given): Step[] {
  const { formerProjects = [] } = given.observed;
  return formerProjects.flatMap(({ project, appName: from }) => [
    ...once(given, { kind: "sayRenamed", from }),
    { kind: "downFormerProject", project, from } as const,
  ]);
}

/** True when a compose project of the app has containers. */
export function hasServices({ project }: ObservedApp): boolean {
  return project !== undefined && project.services.length > 0;
}
