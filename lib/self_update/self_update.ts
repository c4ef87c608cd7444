/** The agent's own updates: so far, which version is the newest. */

import type { Clock } from "../async/clock.ts";
import { downloadBase, updateChannel } from "../config/derived.ts";
import type { DeviceConfig } from "../config/flock.ts";
import { updateKeysOf } from "./built_in_keys.ts";
import type { UpdateKey } from "./minisign.ts";
import { VersionIndex } from "./version_index.ts";

/** Where updates come from. */
export interface SelfUpdateDeps {
  /** The config in force. */
  config(): DeviceConfig;
  /** The value of `-remoteUpdateURL`. */
  updateUrl: string;
  clock: Clock;
}

/** Updates of the agent itself. */
export interface SelfUpdate {
  /** The newest version for the device's channel; see `VersionIndex.latest()`. */
  readLatestVersion(): Promise<string>;
  /** The keys that sign updates for this agent; see `updateKeysOf()`. */
  updateKeys(): UpdateKey[];
}

/** Creates the area. Nothing is fetched before it is asked for. */
export function createSelfUpdate({ config, updateUrl, clock }: SelfUpdateDeps): SelfUpdate {
  const index = new VersionIndex({
    base: () => downloadBase(config(), updateUrl),
    channel: () => updateChannel(config()),
    clock,
  });
  return { readLatestVersion: () => index.latest(), updateKeys: () => updateKeysOf(Deno.env) };
}
