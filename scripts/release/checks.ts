/** Decides whether a version may be released. Pure. */

import { isDict, parseJson } from "../../lib/base/json.ts";
import { isReleaseVersion } from "../bump/version.ts";

/** What was seen of the project and its repository. */
export interface ReleaseFacts {
  /** The version in deno.json. */
  version: string;
  /** The text of availableVersions.json. */
  channels: string;
  /** The output of `git status --porcelain`. */
  status: string;
  /** The current branch; empty when there is none. */
  branch: string;
  /** The tags of the repository and of the remote one. */
  tags: readonly string[];
}

/** Why the version must not be released, one sentence each; empty when it may be. */
export function releaseProblems({ version, channels, status, branch, tags }: ReleaseFacts): string[] {
  const problems: string[] = [];
  const changed = status.split("\n").filter((line) => line.trim() !== "");
  if (changed.length > 0) problems.push(`The working tree is not clean: ${changed.slice(0, 5).join(", ")}`);
  if (!isReleaseVersion(version)) problems.push(`The version must be MAJOR.MINOR.PATCH, deno.json has "${version}"`);
  const values = parseJson(channels);
  const others = isDict(values) ? Object.entries(values).filter(([, value]) => value !== version) : [];
  if (!isDict(values)) problems.push("availableVersions.json is not an object");
  for (const [name, value] of others) {
    problems.push(
      `availableVersions.json has ${JSON.stringify(value)} for "${name}"; deno task bump sets all channels`,
    );
  }
  if (branch === "") problems.push("HEAD is on no branch, so there is nothing to push");
  if (tags.includes(`v${version}`)) {
    problems.push(`There is a tag v${version} already; raise the version with deno task bump`);
  }
  return problems;
}
