/** The log channels in use, each with its history and its publisher. */

import type { Clock } from "../async/clock.ts";
import { logTopic } from "../backend/uris.ts";
import type { Log } from "../base/log.ts";
import { History } from "./history.ts";
import type { LogPositions } from "./log_positions.ts";
import type { PendingMessages } from "./pending_messages.ts";
import { Publisher } from "./publisher.ts";
import type { Audience } from "./subscribers.ts";

/** One channel. */
export interface LogChannel {
  history: History;
  publisher: Publisher;
}

/** Where channels publish. */
export interface LogChannelsDeps {
  serialNumber: string;
  /** Sends one payload on a topic, without acknowledgement. */
  publish(topic: string, payload: unknown): Promise<void>;
  isConnected(): boolean;
  /** Bytes that wait to be sent on the link. */
  waitingBytes(): number;
  audience(channel: string): Audience;
  pending: PendingMessages;
  positions: Pick<LogPositions, "note" | "noteUnwatched">;
  clock: Clock;
  log: Log;
}

/** Lines are held back while more than this waits on the link: calls, replies and pings queue behind them. */
const congestionBytes = 524_288;

/** Channels by their normalized names. */
export class LogChannels {
  readonly #deps: LogChannelsDeps;
  readonly #channels = new Map<string, LogChannel>();

  constructor(deps: LogChannelsDeps) {
    this.#deps = deps;
  }

  /** The channel if it is in use. */
  get(name: string): LogChannel | undefined {
    return this.#channels.get(name);
  }

  /** The channel, which is in use from now on. */
  open(name: string): LogChannel {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    const channel = { history: new History(), publisher: this.#createPublisher(name) };
    this.#channels.set(name, channel);
    return channel;
  }

  /** Forgets the channel and returns its publisher, which may still have something to send. */
  remove(name: string): Publisher | undefined {
    const publisher = this.#channels.get(name)?.publisher;
    this.#channels.delete(name);
    return publisher;
  }

  /** The publishers of all channels. */
  publishers(): Publisher[] {
    return [...this.#channels.values()].map(({ publisher }) => publisher);
  }

  #createPublisher(name: string): Publisher {
    const { serialNumber, publish, isConnected, waitingBytes, audience, pending, positions, clock, log } = this.#deps;
    const topic = logTopic(serialNumber, name);
    return new Publisher({
      publish: (payload) => publish(topic, payload),
      audience: () => audience(name),
      isConnected,
      isCongested: () => waitingBytes() > congestionBytes,
      onShown: (position, { isWatched }) =>
        isWatched ? positions.note(name, position) : positions.noteUnwatched(name, position),
      store: {
        add: (chunk) => pending.add({ channel: name, chunk }),
        remove: (row) => pending.remove(row),
        release: (row) => pending.release(row),
      },
      clock,
      log,
    });
  }
}
