/** Decides what the index says next. Pure. */

import type { ChannelVersions, UpdateIndex } from "../../lib/self_update/update_index.ts";
import { compareVersions } from "../bump/version.ts";

/** What a publisher wants of the index. */
export type IndexChange =
  | { kind: "promote"; version: string; channels: readonly string[] }
  | { kind: "share"; version: string; channels: readonly string[]; sharePercent: number }
  | { kind: "pause"; channels: readonly string[] }
  | { kind: "back"; channels: readonly string[] };

/**
 * The index after a change. Channels that are not named stay as they are. Its number is larger than that of the index
 * before and at least `now`, in seconds since 1970. Throws, with the reason, when the change makes no sense.
 */
export function changeIndex(
  live: UpdateIndex | undefined,
  { change, now, newestNumber = 0 }: { change: IndexChange; now: number; newestNumber?: number },
): UpdateIndex {
  const channels = new Map(live?.channels);
  let isChanged = false;
  for (const name of change.channels) {
    const before = channels.get(name);
    const after = changeChannel(name, { before, change });
    isChanged ||= JSON.stringify(after) !== JSON.stringify(before);
    channels.set(name, after);
  }
  if (!isChanged && live?.number !== undefined) return live;
  return { channels, number: Math.max(now, (live?.number ?? 0) + 1, newestNumber + 1) };
}

function changeChannel(
  name: string,
  { before, change }: { before: ChannelVersions | undefined; change: IndexChange },
): ChannelVersions {
  switch (change.kind) {
    case "promote":
      return promoteChannel(name, { before, version: change.version });
    case "share": {
      if (before === undefined) throw new Error(`Channel "${name}" has no version yet; promote one for all first`);
      refuseOlder(name, { before, version: change.version });
      if (change.version === before.version) {
        throw new Error(`Every device of "${name}" may take ${change.version} already`);
      }
      return { ...before, next: { version: change.version, sharePercent: change.sharePercent } };
    }
    case "pause":
      if (before?.next === undefined) throw new Error(`Channel "${name}" has no version that only a share may take`);
      return { ...before, next: { ...before.next, sharePercent: 0 } };
    case "back":
      return goBack(name, before);
  }
}

function promoteChannel(
  name: string,
  { before, version }: { before: ChannelVersions | undefined; version: string },
): ChannelVersions {
  if (before === undefined) return { version };
  refuseOlder(name, { before, version });
  const previous = before.version === version ? before.previous : before.version;
  return { version, ...(previous === undefined ? {} : { previous }) };
}

/** Devices never go back by themselves, so an older version in the index would reach nobody but new devices. */
function refuseOlder(name: string, { before, version }: { before: ChannelVersions; version: string }): void {
  if (compareVersions(version, before.version) >= 0) return;
  throw new Error(
    `Channel "${name}" has ${before.version}, which is newer than ${version}; use deno task rollout --back`,
  );
}

function goBack(name: string, before: ChannelVersions | undefined): ChannelVersions {
  if (before?.next !== undefined) {
    const { next: _, ...others } = before;
    return others;
  }
  if (before?.previous === undefined) throw new Error(`Channel "${name}" has no version before this one`);
  return { version: before.previous };
}
