/** Where things are in the bucket `re-agent`. Pure. */

import { isReleaseVersion } from "../bump/version.ts";

/** What a device asks for first. */
export const indexPath = "availableVersions.json";

/** Its signature. */
export const indexSignaturePath = `${indexPath}.minisig`;

/** The last promoted version, for installers. */
export const versionPath = "version.txt";

/** The script that installs the agent. */
export const installScriptPath = "install.sh";

/** The script as it was staged with a version. */
export function stagedScriptPath(version: string): string {
  return `install/${version}/install.sh`;
}

/** The ends of what belongs to an executable. */
export const releaseEnds = [".sha256", ".minisig", ".cdx.json"] as const;

/** An executable of a build. */
export interface BuiltFile {
  /** Its name in the folder of the build. */
  name: string;
  /** As in addresses: `linux/armv7`. */
  platform: string;
}

/** The executable that a file of the build is; undefined for anything else. */
export function builtFileOf(name: string): BuiltFile | undefined {
  const [, os, arch] = /^reagent-(linux|darwin|windows)-([a-z0-9]+)(?:\.exe)?$/.exec(name) ?? [];
  return os === undefined || arch === undefined ? undefined : { name, platform: `${os}/${arch}` };
}

/** The path of an executable, for a version or `latest`. */
export function executablePath(platform: string, version: string): string {
  return `${platform}/${version}/reagent${platform.startsWith("windows/") ? ".exe" : ""}`;
}

/** The platform and version of an executable's path; undefined for other paths. */
export function readExecutablePath(path: string): { platform: string; version: string } | undefined {
  const [, platform = "", version = ""] = /^([a-z]+\/[a-z0-9]+)\/([^/]+)\/reagent(?:\.exe)?$/.exec(path) ?? [];
  return isReleaseVersion(version) ? { platform, version } : undefined;
}
