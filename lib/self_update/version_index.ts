/** Reads the newest version of the agent for this device from the index next to the downloads. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { AgentError } from "../base/errors.ts";
import { isDict, parseJson, show } from "../base/json.ts";
import { type GuardedAnswer, guardedFetch, readLimitedText } from "../http/guarded_fetch.ts";

/** Which index and which of its entries is read. */
export interface VersionIndexDeps {
  /** Where downloads are, as configured; no slash is added or removed. */
  base(): string;
  /** The update channel of the device. */
  channel(): string;
  clock: Clock;
}

/** How long an answer is reused, so that a polling dashboard does not fetch it each time. */
const cacheMs = 60_000;

const fetchLimitMs = 10_000;

/** The index has a few lines; anything larger is something else. */
const indexLimitBytes = 65_536;

/** The version index of a device. Concurrent calls share one request. */
export class VersionIndex {
  readonly #deps: VersionIndexDeps;
  #cached: { url: string; channel: string; version: string; atMs: number } | undefined;
  #fetching: Promise<string> | undefined;

  constructor(deps: VersionIndexDeps) {
    this.#deps = deps;
  }

  /**
   * The newest version for the device's channel, as the index spells it; at most one minute old. Throws
   * `connect_failed` (no answer, or a status other than 200), `protocol_error` (not an index, or no version for the
   * channel), `timeout` after 10 s.
   */
  async latest(): Promise<string> {
    const url = indexUrl(this.#deps.base());
    const channel = this.#deps.channel();
    const cached = this.#cached;
    const isFresh = cached !== undefined && this.#deps.clock.now() - cached.atMs < cacheMs;
    if (isFresh && cached.url === url && cached.channel === channel) return cached.version;
    this.#fetching ??= this.#fetch(url, channel).finally(() => this.#fetching = undefined);
    return await this.#fetching;
  }

  async #fetch(url: string, channel: string): Promise<string> {
    const text = await within(fetchLimitMs, (signal) => fetchText(url, signal), { what: `Fetching ${url}` });
    const version = chooseVersion(text, channel);
    this.#cached = { url, channel, version, atMs: this.#deps.clock.now() };
    return version;
  }
}

/** The URL of the index below a download base. */
export function indexUrl(base: string): string {
  return `${base}/re-agent/availableVersions.json`;
}

/**
 * The version of a channel in the text of an index, or that of `all` when the channel has none. Throws `protocol_error`
 * when the text is no index or has neither.
 */
export function chooseVersion(text: string, channel: string): string {
  const index = parseJson(text);
  if (!isDict(index)) {
    throw new AgentError("protocol_error", `Cannot read version index: it must be a JSON object, got ${show(text)}`);
  }
  for (const name of [channel, "all"]) {
    const version = Object.hasOwn(index, name) ? index[name] : undefined;
    if (typeof version === "string" && version.trim() !== "") return version.trim();
  }
  throw new AgentError("protocol_error", `Cannot read version index: it has neither "${channel}" nor "all"`);
}

async function fetchText(url: string, signal: AbortSignal): Promise<string> {
  let answer: GuardedAnswer;
  try {
    answer = await guardedFetch(new URL(url), { signal, headers: { accept: "application/json" } });
  } catch (error) {
    throw new AgentError("connect_failed", `Cannot fetch ${url}`, { cause: error });
  }
  if (answer.response.status !== 200) {
    await answer.response.body?.cancel();
    throw new AgentError("connect_failed", `Cannot fetch ${url}: the answer has status ${answer.response.status}`);
  }
  return await readLimitedText(answer.response, { url: answer.url, limitBytes: indexLimitBytes });
}
