/** The messages of one log channel, sent in the order in which they were added. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { TaskSet } from "../async/task_set.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LogPosition } from "./log_reading.ts";

/** A message of the agent as it is sent. */
export interface AgentMessage {
  type: "build";
  chunk: string;
}

/** How far an upload has come, as it is sent. */
export interface ProgressMessage {
  id: string;
  status: string;
  progress: string;
}

/** Stores agent messages of the channel, so that they outlive the agent. Nothing in it throws. */
export interface MessageStore {
  /** Returns the row that holds the message; undefined when it could not be stored. */
  add(chunk: string): number | undefined;
  /** The message was sent or dropped. */
  remove(row: number): void;
  /** The message stays stored, and this queue does not send it any more. */
  release(row: number): void;
}

/** Where messages go. */
export interface MessageQueueDeps {
  /** Sends one payload on the channel's topic. */
  publish(payload: unknown): Promise<void>;
  isConnected(): boolean;
  store: MessageStore;
  /** Called when a message is dropped. `lines`: how many log lines it stands for. */
  onDropped(lines: number): void;
  /** Called when the lines up to this position have been sent. */
  onShown(position: LogPosition): void;
  clock: Clock;
  log: Log;
}

interface Message {
  /** Its position among all messages of the channel. */
  number: number;
  payload: string | AgentMessage | ProgressMessage;
  /** How many log lines it stands for. */
  lines: number;
  /** With this message everything up to here has been sent. */
  position?: LogPosition | undefined;
  /** Where it is stored. */
  row?: number | undefined;
  sentAtMs?: number;
}

/** A message of log lines. */
type LineMessage = Message & { payload: string };

/** Messages that may wait, be sent at a time, or be unconfirmed; the oldest are dropped first. */
const messagesLimit = 64;

/** Characters of log lines that are kept until it is clear that the link was up when they were sent. */
export const unconfirmedChars = 256 * 1024;

/**
 * A link on which nothing was heard for so long has carried nothing either: the router answers a ping every 5 s. When a
 * link was closed before, what was sent has usually arrived.
 */
const silenceMs = 8_000;

/** The time that one message may take. */
const publishLimitMs = 10_000;

/**
 * Invariants: messages leave in order; a message is on the wire when `add()` returns unless it has to wait, so that no
 * report of the same moment overtakes it; while the link is down messages wait, those of the agent in the store.
 */
export class MessageQueue {
  readonly #deps: MessageQueueDeps;
  readonly #senders: TaskSet;
  #waiting: Message[] = [];
  /** Sent agent messages of which it is not known yet whether the link was still up. */
  #unconfirmed: Message[] = [];
  /** The same for log lines. */
  #unconfirmedLines: LineMessage[] = [];
  #count = 0;
  #isEnded = false;

  constructor(deps: MessageQueueDeps) {
    this.#deps = deps;
    this.#senders = new TaskSet((error) => deps.log.error("Cannot send log messages", { error }));
  }

  /**
   * Sends a message, or lets it wait. `lines`: how many log lines it stands for; `position`: that of the last one, when
   * no line before it is left to send.
   */
  add(
    payload: string | AgentMessage | ProgressMessage,
    of: { lines?: number; position?: LogPosition | undefined } = {},
  ): void {
    if (this.#isEnded) return;
    const { lines = 0, position } = of;
    this.#waiting.push({ number: this.#count += 1, payload, lines, position });
    this.#trim();
    this.send();
    this.#storeWaiting();
  }

  /** Takes over a message that an earlier queue has left in `row`. It is sent before all others. */
  restore(chunk: string, row: number): void {
    if (this.#isEnded) return this.#deps.store.release(row);
    // Rows also start at 1 and count upwards.
    this.#putBack([{ number: row - Number.MAX_SAFE_INTEGER, payload: { type: "build", chunk }, lines: 0, row }]);
  }

  /**
   * The link is down, and the router was last heard at `lastHeardMs` (monotonic; undefined: never). Agent messages sent
   * after that may be lost, and wait to be sent again; log lines only when the link was silent.
   */
  linkLost(lastHeardMs = -Infinity): void {
    const isSilent = this.#deps.clock.now() - lastHeardMs >= silenceMs;
    const sent = isSilent ? [...this.#unconfirmed, ...this.#unconfirmedLines] : this.#unconfirmed;
    this.#unconfirmed = [];
    this.#unconfirmedLines = [];
    this.#putBack(sent.filter(({ sentAtMs = 0 }) => sentAtMs >= lastHeardMs));
  }

  /** Sends what waits, as far as the link is up. A message takes its place on the wire when publishing is called. */
  send(): void {
    while (this.#deps.isConnected() && this.#senders.size < messagesLimit) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      this.#senders.add(this.#sendFrom(message));
    }
  }

  /** Resolves when no message is being sent. */
  async settled(): Promise<void> {
    await this.#senders.settled();
  }

  /** Drops what waits and takes nothing more; stored messages stay stored. */
  end(): void {
    this.#isEnded = true;
    for (const { row } of this.#waiting) if (row !== undefined) this.#deps.store.release(row);
    this.#waiting = [];
  }

  async #sendFrom(first: Message): Promise<void> {
    let message: Message | undefined = first;
    while (message !== undefined && await this.#publish(message)) {
      message = this.#deps.isConnected() ? this.#waiting.shift() : undefined;
    }
  }

  /** False when the link is closing; then the message waits again in its old position. */
  async #publish(message: Message): Promise<boolean> {
    try {
      const what = "Publishing a log message";
      await within(publishLimitMs, () => this.#deps.publish(message.payload), { what });
      this.#noteSent(message);
      return true;
    } catch (error) {
      if (hasCode(error, "not_connected") && !this.#isEnded) {
        this.#putBack([message]);
        return false;
      }
      this.#drop(message);
      this.#deps.log.debug("Cannot publish a log message", { error });
      return true;
    }
  }

  #noteSent(message: Message): void {
    const { payload, row, position } = message;
    if (position !== undefined) this.#deps.onShown(position);
    if (row !== undefined) this.#deps.store.remove(row);
    const sent = { ...message, row: undefined, sentAtMs: this.#deps.clock.now() };
    if (typeof payload === "string") return this.#keepLines({ ...sent, payload });
    if (!isAgentMessage(payload)) return;
    this.#unconfirmed.push(sent);
    if (this.#unconfirmed.length > messagesLimit) this.#unconfirmed.shift();
  }

  #keepLines(message: LineMessage): void {
    const kept = this.#unconfirmedLines;
    kept.push(message);
    let chars = kept.reduce((sum, { payload }) => sum + payload.length, 0);
    while (chars > unconfirmedChars || kept.length > messagesLimit) chars -= kept.shift()?.payload.length ?? 0;
  }

  #putBack(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    this.#waiting = [...this.#waiting, ...messages].sort((a, b) => a.number - b.number);
    this.#trim();
    this.#storeWaiting();
  }

  #trim(): void {
    while (this.#waiting.length > messagesLimit) this.#drop(this.#waiting.shift());
  }

  #drop(message: Message | undefined): void {
    if (message?.row !== undefined) this.#deps.store.remove(message.row);
    if (!this.#isEnded) this.#deps.onDropped(message?.lines ?? 0);
  }

  /** Only messages of the agent are stored: log lines are in the log of the container, and progress passes. */
  #storeWaiting(): void {
    for (const message of this.#waiting) {
      if (message.row !== undefined || !isAgentMessage(message.payload)) continue;
      message.row = this.#deps.store.add(message.payload.chunk);
    }
  }
}

function isAgentMessage(payload: Message["payload"]): payload is AgentMessage {
  return typeof payload === "object" && "chunk" in payload;
}
