/**
 * The index of versions, `availableVersions.json`: what it means, and which version a device takes from it. The
 * reference agent reads its channels and ignores the rest, so every value is text, and a version that only a share of
 * the devices may take does not stand in a channel.
 *
 * ```json
 * { "production": "0.21.0", "all": "0.21.0",
 *   "production.next": "0.22.0", "production.share": "10%", "production.previous": "0.20.20",
 *   "index.number": "1796083200" }
 * ```
 *
 * Pure, but for the digest of the runtime.
 */

import { AgentError } from "../base/errors.ts";
import { isDict, parseJson, show } from "../base/json.ts";

/** What the index says about one channel. */
export interface ChannelVersions {
  /** The version for every device. */
  version: string;
  /** A newer one for some of them. A share of 0 means that it is paused. */
  next?: { version: string; sharePercent: number };
  /** The version before `version`; what the publisher goes back to. */
  previous?: string;
}

/** A decoded index. */
export interface UpdateIndex {
  channels: ReadonlyMap<string, ChannelVersions>;
  /** Grows with each index that is published; absent in one that was written by hand. */
  number?: number;
}

/** The key of the number; like all keys that are not channels it has a dot. */
export const indexNumberKey = "index.number";

/** Reads the text of an index. Throws `protocol_error` when it is none, or something in it has another form. */
export function readUpdateIndex(text: string): UpdateIndex {
  const value = parseJson(text);
  if (!isDict(value)) throw unreadableIndex(`it must be a JSON object, got ${show(text)}`);
  const entries = new Map<string, string>();
  for (const [key, entry] of Object.entries(value)) {
    // What is not text has no meaning, as for the reference agent.
    if (typeof entry === "string") entries.set(key, entry.trim());
  }
  const channels = new Map<string, ChannelVersions>();
  for (const [name, version] of entries) {
    if (!name.includes(".") && version !== "") channels.set(name, readChannel(name, { version, entries }));
  }
  const number = entries.get(indexNumberKey);
  return { channels, ...(number === undefined ? {} : { number: readIndexNumber(number) }) };
}

/** The text of an index; reading it gives the same index. */
export function writeUpdateIndex({ channels, number }: UpdateIndex): string {
  const entries: [string, string][] = [...channels].map(([name, { version }]) => [name, version]);
  for (const [name, { next, previous }] of channels) {
    if (next !== undefined) {
      entries.push([`${name}.next`, next.version], [`${name}.share`, `${next.sharePercent}%`]);
    }
    if (previous !== undefined) entries.push([`${name}.previous`, previous]);
  }
  if (number !== undefined) entries.push([indexNumberKey, String(number)]);
  return `{\n${entries.map(([key, text]) => `  ${JSON.stringify(key)}: ${JSON.stringify(text)}`).join(",\n")}\n}\n`;
}

/**
 * The version that a device takes: that of its channel, or of `all` when the channel has none; the next one when the
 * device belongs to the share. Throws `protocol_error` when the index has neither channel.
 */
export async function versionForDevice(
  index: UpdateIndex,
  { channel, serialNumber }: { channel: string; serialNumber: string },
): Promise<string> {
  const versions = index.channels.get(channel) ?? index.channels.get("all");
  if (versions === undefined) throw unreadableIndex(`it has neither "${channel}" nor "all"`);
  const { version, next } = versions;
  if (next === undefined) return version;
  const place = await placeInShare({ serialNumber, version: next.version });
  return place < next.sharePercent ? next.version : version;
}

/**
 * Where a device stands among all, from 0 to just below 100: it belongs to every share above that. The same for each
 * look at a version, another for the next version, so that not always the same devices are the first.
 */
export async function placeInShare(
  { serialNumber, version }: { serialNumber: string; version: string },
): Promise<number> {
  const text = new TextEncoder().encode(`${serialNumber}\n${version}`);
  const digest = await crypto.subtle.digest("SHA-256", text);
  return new DataView(digest).getUint32(0) / 2 ** 32 * 100;
}

function readChannel(
  name: string,
  { version, entries }: { version: string; entries: ReadonlyMap<string, string> },
): ChannelVersions {
  const next = entries.get(`${name}.next`);
  const share = entries.get(`${name}.share`);
  const previous = entries.get(`${name}.previous`);
  if ((next === undefined) !== (share === undefined)) {
    throw unreadableIndex(`"${name}.next" and "${name}.share" must stand together`);
  }
  return {
    version,
    ...(next === undefined ? {} : { next: { version: next, sharePercent: readSharePercent(share ?? "") } }),
    ...(previous === undefined ? {} : { previous }),
  };
}

/** Reads a share such as `10%` or `0.5%`. Throws `protocol_error` when it is none from 0% to 100%. */
export function readSharePercent(text: string): number {
  const percent = /^\d{1,3}(\.\d{1,3})?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN;
  if (percent >= 0 && percent <= 100) return percent;
  throw unreadableIndex(`a share must be from 0% to 100%, got ${show(text)}`);
}

function readIndexNumber(text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw unreadableIndex(`"${indexNumberKey}" must be a whole number, got ${show(text)}`);
}

function unreadableIndex(what: string): AgentError {
  return new AgentError("protocol_error", `Cannot read version index: ${what}`);
}
