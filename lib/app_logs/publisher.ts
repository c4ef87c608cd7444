/** Sends what one log channel has to say, in order, without anybody waiting for the network. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { Batch, flushIntervalMs } from "./batch.ts";
import type { SubscribersState } from "./subscribers.ts";

/** What an outlet is built from. */
export interface PublisherDeps {
  /** Sends one payload on the channel's topic. */
  publish(payload: unknown): Promise<void>;
  /** Whether somebody listens to the channel. */
  gate(): SubscribersState;
  isConnected(): boolean;
  /** True while so much waits on the link already that lines would hold up calls and the keepalive. */
  isCongested(): boolean;
  /** Where messages wait that cannot be sent at once. */
  shelf: Shelf;
  clock: Clock;
  log: Log;
}

/** A message of the agent as it goes over the wire. */
export interface AgentMessage {
  type: "build";
  chunk: string;
}

/** Keeps messages of the channel beyond the life of the agent. Nothing in it throws. */
export interface Shelf {
  /** Gives the row in which the message is kept from now on; undefined when it could not be. */
  keep(chunk: string): number | undefined;
  /** The message was sent, or is dropped. */
  drop(row: number): void;
  /** The message is sent no more by this outlet, and stays. */
  release(row: number): void;
}

interface Message {
  /** Its place among all of the channel. */
  number: number;
  payload: string | AgentMessage;
  /** Lines of a stream that it stands for. */
  lines: number;
  /** Where it is kept on the disk. */
  row?: number | undefined;
  sentAtMs?: number;
}

/** Messages that may wait while the link is down or slow; the oldest go first. */
const messagesLimit = 64;

/** The longest time one message may take to leave. */
const publishLimitMs = 10_000;

/**
 * The way out of one channel. Invariants: payloads leave in the order in which they were added, and a message is on the wire when
 * `addMessage()` returns, so that no report of the same moment overtakes it; what waits is bounded (`messagesLimit` messages and
 * one batch); while the link is down everything waits, messages of the agent on the shelf too, and goes on with `resume()`.
 */
export class Publisher {
  readonly #parts: PublisherDeps;
  readonly #batch = new Batch();
  readonly #underWay = new Set<Promise<void>>();
  #messages: Message[] = [];
  /** Messages of the agent that were sent, and of which it is not known yet whether the link was still up. */
  #unheard: Message[] = [];
  #count = 0;
  #pump: Promise<void> = Promise.resolve();
  #isPumping = false;
  #pause: AbortController | undefined;
  #isHurried = false;
  /** Lines could not leave when their time had come: the link takes less than is said. */
  #isHeldUp = false;
  #isEnded = false;

  constructor(parts: PublisherDeps) {
    this.#parts = parts;
  }

  /** Adds a line of a stream. It is sent within 200 ms if somebody listens, and forgotten otherwise. */
  addLine(text: string): void {
    if (!this.#takesLines()) return;
    this.#batch.add(text);
    this.#noticeLines();
  }

  /** Adds lines of a container, as `addLine()` does. Their bytes are copied. */
  addLines(lines: readonly LogLine[]): void {
    if (!this.#takesLines()) return;
    for (const line of lines) this.#batch.addLine(line);
    this.#noticeLines();
  }

  /** Sends a message at once, whoever listens, after the lines that came before it. */
  addMessage(payload: string | AgentMessage): void {
    if (this.#isEnded) return;
    this.#sendLinesBefore();
    this.#enqueue(payload);
    this.#sendMessages();
    this.#shelve();
  }

  /** Takes back a message that an earlier outlet has left in `row`. It goes before all others. */
  restore(chunk: string, row: number): void {
    if (this.#isEnded) return this.#parts.shelf.release(row);
    // Rows count upwards too, from 1 on.
    this.#putBack([{ number: row - Number.MAX_SAFE_INTEGER, payload: { type: "build", chunk }, lines: 0, row }]);
  }

  /**
   * The link is gone, and the router was last heard at `heardMs` (monotonic; undefined: never). Messages that were sent later may
   * have gone nowhere, and wait to be sent again.
   */
  lose(heardMs: number | undefined): void {
    const lost = this.#unheard.filter(({ sentAtMs = 0 }) => heardMs === undefined || sentAtMs >= heardMs);
    this.#unheard = [];
    this.#putBack(lost);
  }

  /** To be called when the link is back or the gate has changed. */
  resume(): void {
    if (this.#parts.gate() === "closed") this.#batch.clear();
    this.#pause?.abort();
    this.#sendMessages();
    this.#startPump();
  }

  /** Sends all that waits now. Resolves when it is sent, when the link is down, or after `limitMs`. */
  async flush(limitMs: number): Promise<void> {
    this.#isHurried = true;
    this.#pause?.abort();
    this.#sendMessages();
    this.#startPump();
    try {
      await within(limitMs, () => this.#quiet(), { what: "The end of a log stream" });
    } catch {
      // The network is slow; what is left goes out when it can.
    } finally {
      this.#isHurried = false;
    }
  }

  /** Drops what waits and takes nothing more. Resolves when nothing is on its way. */
  async end(): Promise<void> {
    this.#isEnded = true;
    for (const { row } of this.#messages) if (row !== undefined) this.#parts.shelf.release(row);
    this.#messages = [];
    this.#batch.clear();
    this.#pause?.abort();
    await this.#quiet();
  }

  async #quiet(): Promise<void> {
    await this.#pump;
    await Promise.all(this.#underWay);
  }

  #enqueue(payload: Message["payload"], lines = 0): void {
    this.#messages.push({ number: this.#count += 1, payload, lines });
    this.#trim();
  }

  #trim(): void {
    while (this.#messages.length > messagesLimit) this.#giveUp(this.#messages.shift());
  }

  #giveUp(message: Message | undefined): void {
    if (message?.row !== undefined) this.#parts.shelf.drop(message.row);
    if (!this.#isEnded) this.#batch.countLost(message?.lines ?? 0);
  }

  #putBack(messages: readonly Message[]): void {
    if (messages.length === 0) return;
    this.#messages = [...this.#messages, ...messages].sort((a, b) => a.number - b.number);
    this.#trim();
    this.#shelve();
  }

  /** What waits of the agent's own words is kept; lines of streams are in the container's log. */
  #shelve(): void {
    for (const message of this.#messages) {
      if (message.row !== undefined || typeof message.payload === "string") continue;
      message.row = this.#parts.shelf.keep(message.payload.chunk);
    }
  }

  /** Publishing takes its place on the wire at the call, so nothing has to wait for what was sent before. */
  #sendMessages(): void {
    while (this.#parts.isConnected() && this.#underWay.size < messagesLimit) {
      const message = this.#messages.shift();
      if (message === undefined) return;
      this.#send(message);
    }
  }

  #takesLines(): boolean {
    return !this.#isEnded && this.#parts.gate() !== "closed";
  }

  /** A message's worth of lines does not wait for its time, as long as the link takes it. */
  #noticeLines(): void {
    if (this.#batch.isFull && this.#mayFlush()) this.#pause?.abort();
    this.#startPump();
  }

  #sendLinesBefore(): void {
    while (this.#parts.gate() === "open" && this.#mayFlush()) {
      const before = this.#takeLines();
      if (before === undefined) return;
      this.#enqueue(before, this.#batch.takenLines);
      this.#sendMessages();
      if (!this.#parts.isConnected()) return;
    }
  }

  #startPump(): void {
    if (this.#isPumping || !this.#hasLines()) return;
    this.#isPumping = true;
    this.#pump = this.#run();
  }

  #hasLines(): boolean {
    return this.#parts.isConnected() && !this.#batch.isEmpty;
  }

  async #run(): Promise<void> {
    while (this.#hasLines()) {
      await this.#gather();
      const payload = this.#takeBatch();
      if (payload === undefined) continue;
      this.#enqueue(payload, this.#batch.takenLines);
      this.#sendMessages();
      // Lines gather meanwhile, and are counted when there are too many.
      await Promise.all(this.#underWay);
    }
    this.#isPumping = false;
  }

  /** Waits until lines have gathered, or until an end or a change wants them out. */
  async #gather(): Promise<void> {
    if ((this.#isHurried || this.#batch.isFull) && this.#mayFlush()) return;
    const pause = new AbortController();
    this.#pause = pause;
    try {
      await this.#parts.clock.sleep(flushIntervalMs, pause.signal);
    } catch {
      // Cut short on purpose: there is something to send now.
    } finally {
      this.#pause = undefined;
    }
  }

  #takeBatch(): string | undefined {
    if (this.#parts.gate() === "closed") this.#batch.clear();
    if (this.#mayFlush()) return this.#takeLines();
    this.#isHeldUp = !this.#batch.isEmpty;
    return undefined;
  }

  /** One message after the other while the link takes them. After it did not, old lines would only delay those of this moment. */
  #takeLines(): string | undefined {
    const isHeldUp = this.#isHeldUp;
    this.#isHeldUp = false;
    return isHeldUp ? this.#batch.take() : this.#batch.takeFitting();
  }

  #mayFlush(): boolean {
    return this.#parts.gate() !== "pending" && !this.#parts.isCongested();
  }

  #send(message: Message): void {
    const sending: Promise<void> = this.#publish(message).then((isLeft) => {
      this.#underWay.delete(sending);
      if (isLeft) this.#sendMessages();
    });
    this.#underWay.add(sending);
  }

  /** False when the link is closing; the message then waits for its return, in its old place. */
  async #publish(message: Message): Promise<boolean> {
    try {
      const what = "Publishing a log message";
      await within(publishLimitMs, () => this.#parts.publish(message.payload), { what });
      this.#noteSent(message);
      return true;
    } catch (error) {
      if (hasCode(error, "not_connected") && !this.#isEnded) {
        this.#putBack([message]);
        return false;
      }
      this.#giveUp(message);
      this.#parts.log.debug("Cannot publish a log message", { error });
      return true;
    }
  }

  #noteSent(message: Message): void {
    const { payload, row } = message;
    if (row !== undefined) this.#parts.shelf.drop(row);
    if (typeof payload === "string") return;
    this.#unheard.push({ ...message, row: undefined, sentAtMs: this.#parts.clock.now() });
    if (this.#unheard.length > messagesLimit) this.#unheard.shift();
  }
}
