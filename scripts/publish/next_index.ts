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
  for (const name of channelsOf(change, channels)) {
    const before = channels.get(name);
    const after = changeChannel(name, { before, change });
    isChanged ||= JSON.stringify(after) !== JSON.stringify(before);
    channels.set(name, after);
  }
  if (!isChanged && live?.number !== undefined) return live;
  return { channels, number: Math.max(now, (live?.number ?? 0) + 1, newestNumber + 1) };
}

/**
 * The channels that a change is about. A pause and the way back are for whatever can be paused or taken back among
 * those that are named, because they are wanted in a hurry.
 */
function channelsOf(change: IndexChange, live: ReadonlyMap<string, ChannelVersions>): readonly string[] {
  if (change.kind !== "pause" && change.kind !== "back") return change.channels;
  const shared = change.channels.filter((name) => live.get(name)?.next !== undefined);
  if (shared.length > 0) return shared;
  const where = change.channels.join(", ");
  if (change.kind === "pause") throw new Error(`No channel of ${where} has a version that only a share may take`);
  const older = change.channels.filter((name) => live.get(name)?.previous !== undefined);
  if (older.length === 0) throw new Error(`No channel of ${where} has a version before this one`);
  return older;
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
      return before?.next === undefined
        ? mustHave(name, before)
        : { ...before, next: { ...before.next, sharePercent: 0 } };
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
  return before?.previous === undefined ? mustHave(name, before) : { version: before.previous };
}

function mustHave(name: string, before: ChannelVersions | undefined): ChannelVersions {
  if (before === undefined) throw new Error(`There is no channel "${name}"`);
  return before;
}
