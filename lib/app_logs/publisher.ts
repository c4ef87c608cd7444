/** Sends what one log channel has to show. Nobody waits for the network. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import type { Log } from "../base/log.ts";
import type { LogLine } from "../docker/log_lines.ts";
import { Batch, flushIntervalMs } from "./batch.ts";
import type { LogPosition } from "./log_reading.ts";
import { type AgentMessage, MessageQueue, type MessageStore, type ProgressMessage } from "./message_queue.ts";
import type { Audience } from "./subscribers.ts";

/** Where a channel publishes. */
export interface PublisherDeps {
  /** Sends one payload on the channel's topic. */
  publish(payload: unknown): Promise<void>;
  /** Whether anybody listens to the channel. */
  audience(): Audience;
  isConnected(): boolean;
  /** True while so much waits on the link already that log lines would delay calls and the keepalive. */
  isCongested(): boolean;
  /**
   * Called when the lines of a container up to this position have been sent, or dropped because nobody listens.
   */
  onShown(position: LogPosition, how: { isWatched: boolean }): void;
  /** Where messages are stored that cannot be sent at once. */
  store: MessageStore;
  clock: Clock;
  log: Log;
}

/**
 * Invariants: payloads leave in the order in which they were added; what waits is bounded (64 messages and one batch of
 * lines); while the link is down everything waits until `resume()`.
 */
export class Publisher {
  readonly #deps: PublisherDeps;
  readonly #batch = new Batch();
  /** Of the last line that was added. */
  #position: LogPosition | undefined;
  readonly #queue: MessageQueue;
  #pump: Promise<void> = Promise.resolve();
  #isPumping = false;
  #pause: AbortController | undefined;
  #isFlushing = false;
  /** Lines could not be sent when they were due: more is printed than the link can carry. */
  #isDelayed = false;
  #isEnded = false;

  constructor(deps: PublisherDeps) {
    this.#deps = deps;
    this.#queue = new MessageQueue({
      ...deps,
      onDropped: (lines) => this.#batch.countLost(lines),
      onShown: (position) => deps.onShown(position, { isWatched: true }),
    });
  }

  /** Adds a log line. It is sent within 200 ms if somebody listens, and dropped otherwise. */
  addLine(text: string): void {
    if (!this.#takesLines()) return;
    this.#batch.add(text);
    this.#onLines();
  }

  /** Adds lines of a container, as `addLine()` does. Their bytes are copied. `position`: that of the last one. */
  addLines(lines: readonly LogLine[], position?: LogPosition): void {
    if (!this.#takesLines()) {
      if (!this.#isEnded && position !== undefined) this.#deps.onShown(position, { isWatched: false });
      return;
    }
    this.#position = position ?? this.#position;
    for (const line of lines) this.#batch.addLine(line);
    this.#onLines();
  }

  /** Sends a message at once, whether or not anybody listens, after the lines that were added before. */
  addMessage(payload: string | AgentMessage | ProgressMessage): void {
    if (this.#isEnded) return;
    this.#sendLinesBefore();
    this.#queue.add(payload);
  }

  /** See `MessageQueue.restore()`. */
  restore(chunk: string, row: number): void {
    this.#queue.restore(chunk, row);
  }

  /** See `MessageQueue.linkLost()`. */
  linkLost(lastHeardMs: number | undefined): void {
    this.#queue.linkLost(lastHeardMs);
  }

  /** To be called when the link is back or the audience has changed. */
  resume(): void {
    if (this.#deps.audience() === "none") this.#batch.clear();
    this.#pause?.abort();
    this.#queue.send();
    this.#startPump();
  }

  /** Sends everything now. Resolves when it is sent, when the link is down, or after `limitMs`. */
  async flush(limitMs: number): Promise<void> {
    this.#isFlushing = true;
    this.#pause?.abort();
    this.#queue.send();
    this.#startPump();
    try {
      await within(limitMs, () => this.#settled(), { what: "The end of a log stream" });
    } catch {
      // The network is slow; the rest is sent in the background.
    } finally {
      this.#isFlushing = false;
    }
  }

  /** Drops what waits and takes nothing more. Resolves when nothing is being sent. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#queue.end();
    this.#batch.clear();
    this.#pause?.abort();
    await this.#settled();
  }

  async #settled(): Promise<void> {
    await this.#pump;
    await this.#queue.settled();
  }

  #takesLines(): boolean {
    return !this.#isEnded && this.#deps.audience() !== "none";
  }

  /** Lines that fill a message are sent at once, as long as the link takes them. */
  #onLines(): void {
    if (this.#batch.isFull && this.#maySendLines()) this.#pause?.abort();
    this.#startPump();
  }

  #sendLinesBefore(): void {
    while (this.#deps.audience() === "some" && this.#maySendLines()) {
      const before = this.#takeLines();
      if (before === undefined) return;
      this.#queue.add(before, this.#taken());
      if (!this.#deps.isConnected()) return;
    }
  }

  #startPump(): void {
    if (this.#isPumping || !this.#hasLines()) return;
    this.#isPumping = true;
    this.#pump = this.#run();
  }

  #hasLines(): boolean {
    return this.#deps.isConnected() && !this.#batch.isEmpty;
  }

  async #run(): Promise<void> {
    while (this.#hasLines()) {
      await this.#gather();
      const payload = this.#takeBatch();
      if (payload === undefined) continue;
      this.#queue.add(payload, this.#taken());
      // Meanwhile lines gather, and are counted when there are too many.
      await this.#queue.settled();
    }
    this.#isPumping = false;
  }

  /** Waits until lines have gathered, or until they have to be sent early. */
  async #gather(): Promise<void> {
    if ((this.#isFlushing || this.#batch.isFull) && this.#maySendLines()) return;
    const pause = new AbortController();
    this.#pause = pause;
    try {
      await this.#deps.clock.sleep(flushIntervalMs, pause.signal);
    } catch {
      // Interrupted because there is something to send now.
    } finally {
      this.#pause = undefined;
    }
  }

  #takeBatch(): string | undefined {
    if (this.#deps.audience() === "none") this.#batch.clear();
    if (this.#maySendLines()) return this.#takeLines();
    this.#isDelayed = this.#deps.isCongested() && !this.#batch.isEmpty;
    return undefined;
  }

  /**
   * One message after the other while the link takes them. After a delay, old lines would only hold up the latest ones.
   */
  #takeLines(): string | undefined {
    const isDelayed = this.#isDelayed;
    this.#isDelayed = false;
    return isDelayed ? this.#batch.take() : this.#batch.takeFitting();
  }

  /** What the message that was just taken stands for. */
  #taken(): { lines: number; position: LogPosition | undefined } {
    const position = this.#batch.isEmpty ? this.#position : undefined;
    return { lines: this.#batch.takenLines, position };
  }

  #maySendLines(): boolean {
    return this.#deps.audience() !== "unknown" && !this.#deps.isCongested();
  }
}
