/** Reads which release of the operating system is installed, and which one is the newest. */

import { AgentError, hasCode } from "../base/errors.ts";
import { isDict, parseJson } from "../base/json.ts";
import { fileError, osCodeOf } from "../files/os_error.ts";

/** A release; what is not known is empty. */
export interface SystemRelease {
  name: string;
  version: string;
  buildTime: string;
}

/** Both releases. */
export interface OsReleases {
  current: SystemRelease;
  latest: SystemRelease;
}

/** Where the system describes its releases. */
export interface OsReleasePaths {
  current: string;
  latest: string;
}

/** A longer file is not one of these. */
const fileLimitChars = 65_536;

/** Undefined when either file is missing. Throws `io_failed` and `bad_request`, for JSON that cannot be read. */
export async function readOsReleases({ current, latest }: OsReleasePaths): Promise<OsReleases | undefined> {
  const [currentText, latestText] = await Promise.all([readReleaseFile(current), readReleaseFile(latest)]);
  if (currentText === undefined || latestText === undefined) return undefined;
  return { current: currentRelease(currentText), latest: latestRelease(latestText, latest) };
}

/**
 * The release that an os-release file describes. Its version is that of the update system only if it has the three
 * parts `<version>-<channel>-<build time>`. Pure.
 */
export function currentRelease(text: string): SystemRelease {
  const fields = new Map(
    text.split("\n").flatMap((line) => {
      const [name = "", value, ...rest] = line.trim().split("=");
      return value === undefined || rest.length > 0 ? [] : [[name.trim(), unquoted(value)] as const];
    }),
  );
  const parts = (fields.get("VERSION") ?? "").split("-");
  const [version = "", , buildTime = ""] = parts.length === 3 ? parts : [];
  return { name: fields.get("NAME") ?? "", version: withoutOuter("v", version), buildTime };
}

/** The release that the system's own updater has described last. Throws `bad_request`. Pure. */
export function latestRelease(text: string, path: string): SystemRelease {
  const release = parseJson(text);
  if (!isDict(release)) throw new AgentError("bad_request", `Cannot read "${path}": it is not a JSON object`);
  return {
    name: fieldText(release.name),
    version: fieldText(release.version),
    buildTime: fieldText(release.buildtime),
  };
}

/** Without the letter at both ends, however often it stands there. In time that is in proportion to the text. */
function withoutOuter(letter: string, text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && text[start] === letter) start += 1;
  while (end > start && text[end - 1] === letter) end -= 1;
  return text.slice(start, end);
}

/** The part between two quotes, or before the first one. */
function unquoted(value: string): string {
  const parts = value.split('"');
  return parts.length === 3 ? parts[1] ?? "" : parts[0] ?? "";
}

/** Plain digits for a whole number, also a long one. */
function fieldText(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value !== "number" || !Number.isFinite(value)) return "";
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

async function readReleaseFile(path: string): Promise<string | undefined> {
  try {
    return (await Deno.readTextFile(path)).slice(0, fileLimitChars);
  } catch (error) {
    if (osCodeOf(error) === "ENOENT") return undefined;
    const failure = fileError(`Cannot read "${path}"`, error);
    if (hasCode(failure, "io_failed")) throw failure;
    throw new AgentError("io_failed", `Cannot read "${path}"`, { cause: error });
  }
}
