/**
 * Knows which log channels somebody listens to, so that lines nobody wants never use the uplink. The router tells of
 * subscriptions that come and go; which of them match a topic, also by prefix, is asked with `wamp.subscription.match`.
 */

import { within } from "../async/deadline.ts";
import type { Log } from "../base/log.ts";
import { isCount, isDict } from "../base/json.ts";
import { logTopic, logTopicPrefix } from "../backend/uris.ts";
import { routerEvents } from "../wamp/uris.ts";

/** `pending`: the router was asked for the first time and has not answered yet. */
export type SubscribersState = "open" | "closed" | "pending";

/** An event of the router as the gate reads it. */
export interface MetaEvent {
  args: unknown[];
}

/** The part of a session that the gate needs. */
export interface MetaSession {
  subscribe(topic: string, handler: (event: MetaEvent) => void): Promise<unknown>;
}

/** What the gate is built from. */
export interface SubscribersDeps {
  serialNumber: string;
  /** The ids of all subscriptions that match a topic. Every failure counts as "none". */
  match(topic: string): Promise<number[]>;
  /** Called when the state of a watched channel is known. */
  onSettled(channel: string): void;
  log: Log;
}

/** Subscriptions to channels without a stream that are remembered; a viewer can name any channel. */
const strangersLimit = 256;

/** How long lines wait for the answer who listens. */
const matchLimitMs = 10_000;

interface Round {
  created: Set<number>;
  deleted: Set<number>;
}

interface ChannelRecord {
  state: SubscribersState;
  ids: Set<number>;
  /** A stream or a message needs the channel; otherwise it only stands for a subscription that came first. */
  isWatched: boolean;
  /** What the router told while it was being asked. Its answer may be older than that. */
  round: Round | undefined;
  askAgain: boolean;
  asking: Promise<void> | undefined;
}

/**
 * The gates of all channels. Invariants: a channel is asked for at most once at a time; events that arrive while an answer is
 * awaited win over the answer; a gate is closed only by an answer, or an event, after which no subscription is left.
 */
export class Subscribers {
  readonly #parts: SubscribersDeps;
  readonly #records = new Map<string, ChannelRecord>();

  constructor(parts: SubscribersDeps) {
    this.#parts = parts;
  }

  /** The state of a channel; unknown channels are closed. */
  state(channel: string): SubscribersState {
    return this.#records.get(channel)?.state ?? "closed";
  }

  /** Starts to watch a channel and asks who listens. Resolves when that is known; never throws. */
  async watch(channel: string): Promise<void> {
    const record = this.#recordOf(channel);
    record.isWatched = true;
    if (record.state === "closed") record.state = "pending";
    await this.#ask(channel, record);
  }

  /** Stops to watch a channel. */
  forget(channel: string): void {
    this.#records.delete(channel);
  }

  /**
   * Takes over a new session: listens to the router's events first, then asks anew for every watched channel, so that nothing
   * that happened in between or while the link was down is missed. Throws when the events cannot be subscribed; the channels
   * have been asked for all the same.
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
    await this.#askAll();
    for (const result of subscribed) {
      if (result.status === "rejected") throw result.reason;
    }
  }

  /** Resolves when no answer is awaited. */
  async settled(): Promise<void> {
    await Promise.all([...this.#records.values()].map((record) => record.asking));
  }

  #recordOf(channel: string): ChannelRecord {
    let record = this.#records.get(channel);
    if (record === undefined) {
      record = {
        state: "closed",
        ids: new Set(),
        isWatched: false,
        round: undefined,
        askAgain: false,
        asking: undefined,
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
      // A prefix can cover any of the channels; the router knows which.
      this.#askAll().catch((error) => this.#parts.log.warn("Cannot ask for log subscriptions", { error }));
      return;
    }
    const channel = this.#channelOf(uri);
    if (channel !== undefined) this.#addSubscription(channel, id);
  }

  #addSubscription(channel: string, id: number): void {
    if (!this.#records.has(channel) && this.#countStrangers() >= strangersLimit) return;
    const record = this.#recordOf(channel);
    record.ids.add(id);
    record.round?.created.add(id);
    this.#settle(channel, record, "open");
  }

  #onDelete(args: unknown[]): void {
    const id = args[1];
    if (!isCount(id)) return;
    for (const [channel, record] of this.#records) {
      record.round?.deleted.add(id);
      if (!record.ids.delete(id)) continue;
      if (record.isWatched) this.#askInBackground(channel, record);
      else if (record.ids.size === 0) this.#records.delete(channel);
    }
  }

  async #askAll(): Promise<void> {
    const watched = [...this.#records].filter(([, record]) => record.isWatched);
    await Promise.all(watched.map(([channel, record]) => this.#ask(channel, record)));
  }

  #askInBackground(channel: string, record: ChannelRecord): void {
    this.#ask(channel, record).catch((error) => this.#parts.log.warn("Cannot ask for log subscriptions", { error }));
  }

  /** One question at a time; a wish that comes meanwhile is one more question afterwards. */
  async #ask(channel: string, record: ChannelRecord): Promise<void> {
    record.askAgain = true;
    record.asking ??= this.#askUntilQuiet(channel, record);
    await record.asking;
  }

  async #askUntilQuiet(channel: string, record: ChannelRecord): Promise<void> {
    let isOpen = false;
    while (record.askAgain) {
      record.askAgain = false;
      const round: Round = { created: new Set(), deleted: new Set() };
      record.round = round;
      const found = await this.#match(channel);
      record.round = undefined;
      record.ids = found.union(round.created).difference(round.deleted);
      isOpen = record.ids.size > 0;
    }
    record.asking = undefined;
    if (this.#records.get(channel) === record) this.#settle(channel, record, isOpen ? "open" : "closed");
  }

  async #match(channel: string): Promise<Set<number>> {
    try {
      const topic = logTopic(this.#parts.serialNumber, channel);
      const what = "Asking who listens to a log";
      return new Set(await within(matchLimitMs, () => this.#parts.match(topic), { what }));
    } catch (error) {
      this.#parts.log.debug("Cannot ask who listens to a log, taking it as nobody", { channel, error });
      return new Set();
    }
  }

  #settle(channel: string, record: ChannelRecord, state: SubscribersState): void {
    record.state = state;
    if (record.isWatched) this.#parts.onSettled(channel);
  }

  /** The channel that an exact topic names. Serial numbers and app names may hold dots, so the topic is not split at dots. */
  #channelOf(uri: string): string | undefined {
    const prefix = logTopic(this.#parts.serialNumber, "");
    return uri.startsWith(prefix) && uri.length > prefix.length ? uri.slice(prefix.length) : undefined;
  }

  #countStrangers(): number {
    let count = 0;
    for (const record of this.#records.values()) if (!record.isWatched) count += 1;
    return count;
  }
}
