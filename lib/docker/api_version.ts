/** Decides in which version of its API the engine is spoken to. Pure. */

import { quoteText } from "../base/quote.ts";

/** The versions that an engine takes, as `1.45`; undefined where it does not say. */
export interface VersionRange {
  oldest: string | undefined;
  newest: string | undefined;
}

/** A version to use, undefined for that of the engine, and why it is not the one that was asked for. */
export interface VersionChoice {
  version: string | undefined;
  warning: string | undefined;
}

/**
 * The oldest version in which the engine does all that the agent needs: waiting for the next exit came with 1.30,
 * pruning the build cache with 1.31.
 */
export const oldestUsableVersion = "1.31";

/** What to begin with for a value of `DOCKER_API_VERSION`. One that is no version is as good as none. */
export function firstVersion(wanted: string | undefined): VersionChoice {
  const text = (wanted ?? "").trim();
  if (text === "") return { version: undefined, warning: undefined };
  const version = /^v?(\d{1,4}\.\d{1,4})$/.exec(text)?.[1];
  if (version === undefined) {
    const shown = quoteText(text.slice(0, 40));
    return { version, warning: `DOCKER_API_VERSION ${shown} is no version, the engine's own is used` };
  }
  if (compareVersions(version, oldestUsableVersion) >= 0) return { version, warning: undefined };
  return {
    version: oldestUsableVersion,
    warning: `DOCKER_API_VERSION ${version} is too old for what the agent does, ${oldestUsableVersion} is used`,
  };
}

/** The version nearest to `refused` that the engine takes; that of the engine when it does not say which it takes. */
export function nearestVersion(refused: string, { oldest, newest }: VersionRange): VersionChoice {
  const isTooNew = newest !== undefined && compareVersions(refused, newest) > 0;
  const isTooOld = oldest !== undefined && compareVersions(refused, oldest) < 0;
  const version = isTooNew ? newest : isTooOld ? oldest : undefined;
  const used = version === undefined ? "the engine's own" : version;
  return { version, warning: `The engine does not take version ${refused} of its API, ${used} is used` };
}

/** True for the text with which engines refuse a version that they do not take. */
export function refusesVersion(engineText: string): boolean {
  return /client version .{1,20} is too (?:new|old)/i.test(engineText);
}

/** Negative when `a` is the older one. */
function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA - majorB || minorA - minorB;
}
