/** Decides which versions of the agent are kept on the disk. Pure. */

import { compareAgentVersions, isAgentVersion } from "./agent_version.ts";

/** The name of a version's file, without the end that Windows needs. */
export function versionFileName(version: string): string {
  return `reagent-v${version}`;
}

/**
 * Those files of a folder that may go: versions of the agent other than the one that runs, the newest, and the one
 * before the running one. `inUse`: names of files that must stay whatever they are.
 */
export function removableVersions(
  names: readonly string[],
  { running, newest, inUse }: { running: string; newest: string; inUse: ReadonlySet<string> },
): string[] {
  const versions = names.flatMap((name) => {
    const version = /^reagent-v(.+?)(?:\.exe)?$/.exec(name)?.[1] ?? "";
    return isAgentVersion(version) ? [{ name, version }] : [];
  });
  const older = versions.filter(({ version }) => compareAgentVersions(version, running) < 0)
    .sort((a, b) => compareAgentVersions(b.version, a.version));
  const kept = [running, newest, ...older.slice(0, 1).map(({ version }) => version)];
  return versions.filter(({ name, version }) => {
    return !inUse.has(name) && !kept.some((other) => compareAgentVersions(version, other) === 0);
  }).map(({ name }) => name);
}
