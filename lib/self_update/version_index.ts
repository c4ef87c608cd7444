/** Reads the newest version of the agent for this device from the index next to the downloads. */

import type { Clock } from "../async/clock.ts";
import { isUpdate } from "./agent_version.ts";
import { fetchOptionalText, fetchText } from "./fetch_text.ts";
import type { UpdateKey } from "./minisign.ts";
import { readUpdateIndex, versionForDevice } from "./update_index.ts";
import { verifyIndex } from "./verify_index.ts";

/** Which index is read, for which device. */
export interface VersionIndexDeps {
  /** Where downloads are, as configured; no slash is added or removed. */
  base(): string;
  /** The update channel of the device. */
  channel(): string;
  serialNumber: string;
  /** The version that runs. */
  current: string;
  /** The keys that sign updates; none means that any index is taken. Throws `config_broken`. */
  keys(): readonly UpdateKey[];
  /** The number of the newest index that was used, and where to remember a newer one. */
  newestSeen: { read(): Promise<number>; remember(number: number): Promise<void> };
  clock: Clock;
}

/** How long an answer is reused, so that a polling dashboard does not fetch it each time. */
const cacheMs = 60_000;

/** The version index of a device. Concurrent calls share one request. */
export class VersionIndex {
  readonly #deps: VersionIndexDeps;
  #cached: { url: string; channel: string; version: string; atMs: number } | undefined;
  #fetching: Promise<string> | undefined;

  constructor(deps: VersionIndexDeps) {
    this.#deps = deps;
  }

  /**
   * The newest version for the device, as the index spells it; at most one minute old. When it is newer than what runs,
   * the index is signed by one of the keys, and is not older than one that was used before; an index that offers
   * nothing new costs one request. Throws `connect_failed` (no answer, or a status other than 200), `protocol_error`
   * (not an index, or no version for the channel), `untrusted_server` (not signed, or old), `timeout` after 10 s.
   */
  async latest(signal: AbortSignal): Promise<string> {
    const url = indexUrl(this.#deps.base());
    const channel = this.#deps.channel();
    const cached = this.#cached;
    const isFresh = cached !== undefined && this.#deps.clock.now() - cached.atMs < cacheMs;
    if (isFresh && cached.url === url && cached.channel === channel) return cached.version;
    this.#fetching ??= this.#fetch({ url, channel }, signal).finally(() => this.#fetching = undefined);
    return await this.#fetching;
  }

  async #fetch({ url, channel }: { url: string; channel: string }, signal: AbortSignal): Promise<string> {
    const { serialNumber, current, clock } = this.#deps;
    const text = await fetchText(url, signal);
    const version = await versionForDevice(readUpdateIndex(text), { channel, serialNumber });
    if (isUpdate(version, current)) await this.#verify({ url, text }, signal);
    this.#cached = { url, channel, version, atMs: clock.now() };
    return version;
  }

  /** Without keys the number means nothing: whoever offers an index could name any. */
  async #verify({ url, text }: { url: string; text: string }, signal: AbortSignal): Promise<void> {
    const { newestSeen } = this.#deps;
    const keys = this.#deps.keys();
    if (keys.length === 0) return;
    const signature = await fetchOptionalText(`${url}.minisig`, signal);
    const seen = await newestSeen.read();
    const { number } = await verifyIndex({ text, signature }, { keys, newestSeen: seen });
    if (number > seen) await newestSeen.remember(number);
  }
}

/** The URL of the index below a download base. */
export function indexUrl(base: string): string {
  return `${base}/re-agent/availableVersions.json`;
}
