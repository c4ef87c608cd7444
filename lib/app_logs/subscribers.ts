/**
 * Knows which log channels somebody listens to, so that unwanted lines never use the uplink. The router's meta events
 * report new and ended subscriptions; `wamp.subscription.match` returns those that match a topic, including prefix
 * subscriptions.
 */

import { within } from "../async/deadline.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isCount, isDict } from "../base/json.ts";
import { logTopic, logTopicPrefix } from "../backend/uris.ts";
import { routerEvents } from "../wamp/uris.ts";

/** Whether anybody listens to a channel. `unknown`: no router has answered the first query yet. */
export type Audience = "some" | "none" | "unknown";

/** A meta event of the router. */
export interface MetaEvent {
  args: unknown[];
}

/** What is needed of a session. */
export interface MetaSession {
  subscribe(topic: string, handler: (event: MetaEvent) => void): Promise<unknown>;
}

/** How subscriptions are found. */
export interface SubscribersDeps {
  serialNumber: string;
  /** Returns the ids of all subscriptions that match a topic. A failure other than `not_connected` is none. */
  match(topic: string): Promise<number[]>;
  /** Called when the audience of a watched channel is known. */
  onKnown(channel: string): void;
  log: Log;
}

/** Channels that have a subscription and no stream yet. A limit, because viewers can subscribe to any name. */
const unwatchedLimit = 256;

/** How long lines wait for the answer to a query. */
const matchLimitMs = 10_000;

/** Subscriptions that began and ended during a query, whose answer may be older. */
interface Changes {
  created: Set<number>;
  deleted: Set<number>;
}

interface ChannelRecord {
  audience: Audience;
  ids: Set<number>;
  /** A stream needs the channel; otherwise there is only a subscription that came before the stream. */
  isWatched: boolean;
  /** Undefined when no query is running. */
  changes: Changes | undefined;
  queryAgain: boolean;
  querying: Promise<void> | undefined;
}

/**
 * The audiences of all channels. Invariants: at most one query runs for a channel; events that arrive during a query
 * win over its answer; an audience becomes `none` only by an answer or an event that leaves no subscription.
 */
export class Subscribers {
  readonly #deps: SubscribersDeps;
  readonly #records = new Map<string, ChannelRecord>();

  constructor(deps: SubscribersDeps) {
    this.#deps = deps;
  }

  /** The audience of a channel; `none` for unknown channels. */
  audience(channel: string): Audience {
    return this.#records.get(channel)?.audience ?? "none";
  }

  /** Starts to watch a channel and queries its audience. Resolves when the audience is known; never throws. */
  async watch(channel: string): Promise<void> {
    const record = this.#recordOf(channel);
    record.isWatched = true;
    if (record.audience === "none") record.audience = "unknown";
    await this.#query(channel, record);
  }

  /** Stops watching a channel. */
  forget(channel: string): void {
    this.#records.delete(channel);
  }

  /**
   * Continues on a new session: subscribes to the meta events first and then queries every watched channel, so that no
   * change is missed. Throws when the events cannot be subscribed; the channels have been queried nevertheless.
   */
  async attach(session: MetaSession): Promise<void> {
    for (const [channel, record] of this.#records) {
      if (!record.isWatched) this.#records.delete(channel);
      record.ids.clear();
    }
    const subscribed = await Promise.allSettled([
      session.subscribe(routerEvents.subscriptionCreated, (event) => this.#onCreate(event.args)),
      session.subscribe(routerEvents.subscriptionDeleted, (event) => this.#onDelete(event.args)),
    ]);
    await this.#queryAll();
    for (const result of subscribed) {
      if (result.status === "rejected") throw result.reason;
    }
  }

  /** Resolves when no query is running. */
  async settled(): Promise<void> {
    await Promise.all([...this.#records.values()].map((record) => record.querying));
  }

  #recordOf(channel: string): ChannelRecord {
    let record = this.#records.get(channel);
    if (record === undefined) {
      record = {
        audience: "none",
        ids: new Set(),
        isWatched: false,
        changes: undefined,
        queryAgain: false,
        querying: undefined,
      };
      this.#records.set(channel, record);
    }
    return record;
  }

  #onCreate(args: unknown[]): void {
    const details = args[1];
    if (!isDict(details) || !isCount(details["id"]) || typeof details["uri"] !== "string") return;
    const { id, uri } = { id: details["id"], uri: details["uri"] };
    if (!uri.startsWith(logTopicPrefix)) return;
    if (details["match"] !== undefined && details["match"] !== "exact") {
      // A prefix can match any of the channels.
      this.#queryAll().catch((error) => this.#deps.log.warn("Cannot query log subscriptions", { error }));
      return;
    }
    const channel = this.#channelOf(uri);
    if (channel !== undefined) this.#addSubscription(channel, id);
  }

  #addSubscription(channel: string, id: number): void {
    if (!this.#records.has(channel) && this.#countUnwatched() >= unwatchedLimit) return;
    const record = this.#recordOf(channel);
    record.ids.add(id);
    record.changes?.created.add(id);
    this.#setAudience(channel, record, "some");
  }

  #onDelete(args: unknown[]): void {
    const id = args[1];
    if (!isCount(id)) return;
    for (const [channel, record] of this.#records) {
      record.changes?.deleted.add(id);
      if (!record.ids.delete(id)) continue;
      if (record.isWatched) this.#queryInBackground(channel, record);
      else if (record.ids.size === 0) this.#records.delete(channel);
    }
  }

  async #queryAll(): Promise<void> {
    const watched = [...this.#records].filter(([, record]) => record.isWatched);
    await Promise.all(watched.map(([channel, record]) => this.#query(channel, record)));
  }

  #queryInBackground(channel: string, record: ChannelRecord): void {
    this.#query(channel, record).catch((error) => this.#deps.log.warn("Cannot query log subscriptions", { error }));
  }

  /** One query at a time; requests that come meanwhile cause one more query. */
  async #query(channel: string, record: ChannelRecord): Promise<void> {
    record.queryAgain = true;
    record.querying ??= this.#queryUntilCurrent(channel, record);
    await record.querying;
  }

  async #queryUntilCurrent(channel: string, record: ChannelRecord): Promise<void> {
    let audience = record.audience;
    while (record.queryAgain) {
      record.queryAgain = false;
      const changes: Changes = { created: new Set(), deleted: new Set() };
      record.changes = changes;
      const found = await this.#match(channel);
      record.changes = undefined;
      // Without a connection nothing is known; it is asked again on the next.
      if (found === undefined) continue;
      record.ids = found.union(changes.created).difference(changes.deleted);
      audience = record.ids.size > 0 ? "some" : "none";
    }
    record.querying = undefined;
    if (this.#records.get(channel) === record) this.#setAudience(channel, record, audience);
  }

  /** Undefined without a connection. */
  async #match(channel: string): Promise<Set<number> | undefined> {
    try {
      const topic = logTopic(this.#deps.serialNumber, channel);
      const what = "Querying the subscriptions of a log";
      return new Set(await within(matchLimitMs, () => this.#deps.match(topic), { what }));
    } catch (error) {
      if (hasCode(error, "not_connected")) return undefined;
      this.#deps.log.debug("Cannot query the subscriptions of a log; assuming that nobody listens", { channel, error });
      return new Set();
    }
  }

  #setAudience(channel: string, record: ChannelRecord, audience: Audience): void {
    record.audience = audience;
    if (record.isWatched) this.#deps.onKnown(channel);
  }

  /** The channel of an exact topic, which is not split at dots: serial numbers and app names may contain some. */
  #channelOf(uri: string): string | undefined {
    const prefix = logTopic(this.#deps.serialNumber, "");
    return uri.startsWith(prefix) && uri.length > prefix.length ? uri.slice(prefix.length) : undefined;
  }

  #countUnwatched(): number {
    let count = 0;
    for (const record of this.#records.values()) if (!record.isWatched) count += 1;
    return count;
  }
}
