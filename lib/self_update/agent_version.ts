/** Versions of the agent: which is newer, and which may be taken. Pure. */

import { AgentError } from "../base/errors.ts";
import { show } from "../base/json.ts";

/** A version, decoded. */
interface Version {
  numbers: readonly number[];
  /** The identifiers of a pre-release; empty for a release. */
  early: readonly string[];
}

/** One to three numbers, perhaps with `v`, a pre-release and metadata, which do not count. */
const versionPattern =
  /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]{1,60}))?(?:\+[0-9A-Za-z.-]{1,60})?$/;

/** Whether the text is a version. A version is fit for names of files and for URLs. */
export function isAgentVersion(text: string): boolean {
  return versionPattern.test(text);
}

/**
 * Whether a device that runs `current` takes `latest`: it must be newer, and a pre-release is only taken by one. Throws
 * `protocol_error` when one of them is no version.
 */
export function isUpdate(latest: string, current: string): boolean {
  const [to, from] = [parse(latest), parse(current)];
  if (to.early.length > 0 && from.early.length === 0) return false;
  return orderOf(to, from) > 0;
}

/** Negative when the first version is older, positive when it is newer. Throws `protocol_error` as `isUpdate()`. */
export function compareAgentVersions(first: string, second: string): number {
  return orderOf(parse(first), parse(second));
}

function parse(text: string): Version {
  const match = versionPattern.exec(text);
  if (match === null) throw new AgentError("protocol_error", `Cannot read version: got ${show(text)}`);
  const [, major = "0", minor = "0", patch = "0", early] = match;
  return { numbers: [major, minor, patch].map(Number), early: early === undefined ? [] : early.split(".") };
}

function orderOf(a: Version, b: Version): number {
  for (const [index, number] of a.numbers.entries()) {
    const other = b.numbers[index] ?? 0;
    if (number !== other) return number - other;
  }
  if (a.early.length === 0 || b.early.length === 0) return b.early.length - a.early.length;
  for (let index = 0; index < Math.max(a.early.length, b.early.length); index += 1) {
    const order = comparePart(a.early[index], b.early[index]);
    if (order !== 0) return order;
  }
  return 0;
}

/** Numbers count as numbers and come before words; what has more parts is newer. */
function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [isNumber, isOtherNumber] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (isNumber && isOtherNumber) return Number(a) - Number(b);
  if (isNumber !== isOtherNumber) return isNumber ? -1 : 1;
  return a === b ? 0 : a < b ? -1 : 1;
}
