/** Raises versions in the texts of the files that name them. Pure. */

import { isDict, parseJson } from "../../lib/base/json.ts";

/** Which number of a version is raised; those after it become 0. */
export const versionParts = ["major", "minor", "patch"] as const;

/** One of them. */
export type VersionPart = typeof versionParts[number];

/** Whether the text is `MAJOR.MINOR.PATCH`: three whole numbers without leading zeros. */
export function isReleaseVersion(text: string): boolean {
  return /^(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})$/.test(text);
}

/** The next version. Throws when `version` is not `MAJOR.MINOR.PATCH`. */
export function raiseVersion(version: string, part: VersionPart): string {
  if (!isReleaseVersion(version)) throw new Error(`Cannot raise version "${version}": it must be MAJOR.MINOR.PATCH`);
  const raised = versionParts.indexOf(part);
  return version.split(".").map((number, index) => index < raised ? number : index === raised ? Number(number) + 1 : 0)
    .join(".");
}

/** The version in the text of a deno.json. Throws when it has none of the right form. */
export function readProjectVersion(text: string): string {
  const project = parseJson(text);
  const version = isDict(project) ? project.version : undefined;
  if (typeof version === "string" && isReleaseVersion(version)) return version;
  throw new Error(`Cannot read deno.json: its version must be MAJOR.MINOR.PATCH, got ${JSON.stringify(version)}`);
}

/** The text of a deno.json with another version; everything else stays as it is. */
export function replaceProjectVersion(text: string, version: string): string {
  const old = readProjectVersion(text);
  const replaced = text.replace(`"version": "${old}"`, () => `"version": "${version}"`);
  if (readProjectVersion(replaced) === version) return replaced;
  throw new Error(`Cannot change deno.json: it has no line "version": "${old}"`);
}

/**
 * The text of an availableVersions.json in which every channel has this version. Throws when the file is not an object
 * of versions.
 */
export function replaceChannels(text: string, version: string): string {
  const channels = parseJson(text);
  const names = isDict(channels) ? Object.keys(channels) : [];
  if (!isDict(channels) || names.length === 0) {
    throw new Error("Cannot read availableVersions.json: it has no channels");
  }
  const wrong = names.find((name) => !isReleaseVersion(String(channels[name])));
  if (wrong !== undefined) {
    const seen = JSON.stringify(channels[wrong]);
    throw new Error(`Cannot read availableVersions.json: "${wrong}" must be MAJOR.MINOR.PATCH, got ${seen}`);
  }
  return `{ ${names.map((name) => `${JSON.stringify(name)}: ${JSON.stringify(version)}`).join(", ")} }\n`;
}

/** Negative when the first version is older, positive when it is newer. Both are `MAJOR.MINOR.PATCH`. */
export function compareVersions(first: string, second: string): number {
  const [a, b] = [first, second].map((version) => version.split(".").map(Number));
  const at = versionParts.findIndex((_, index) => a?.[index] !== b?.[index]);
  return at < 0 ? 0 : (a?.[at] ?? 0) - (b?.[at] ?? 0);
}
