/** Sends what one log channel has to say, in order, without anybody waiting for the network. */

import { type Clock, within } from "../base/clock.ts";
import { hasCode } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { Batch, flushIntervalMs } from "./batch.ts";
import type { GateState } from "./gate.ts";

/** What an outlet is built from. */
export interface OutletParts {
  /** Sends one payload on the channel's topic. */
  publish(payload: unknown): Promise<void>;
  /** Whether somebody listens to the channel. */
  gate(): GateState;
  isConnected(): boolean;
  /** True while so much waits on the link already that lines would hold up calls and the keepalive. */
  isCongested(): boolean;
  clock: Clock;
  log: Log;
}

/** Messages that may wait while the link is down or slow; the oldest go first. */
const messagesLimit = 64;

/** The longest time one message may take to leave. */
const publishLimitMs = 10_000;

/**
 * The way out of one channel. Invariants: at most one message is on its way; what waits is bounded (`messagesLimit` messages and
 * one batch); while the link is down everything waits, and goes on with `resume()`.
 */
export class Outlet {
  readonly #parts: OutletParts;
  readonly #batch = new Batch();
  #messages: unknown[] = [];
  #pump: Promise<void> = Promise.resolve();
  #isPumping = false;
  #pause: AbortController | undefined;
  #isHurried = false;
  #isEnded = false;

  constructor(parts: OutletParts) {
    this.#parts = parts;
  }

  /** Adds a line of a stream. It is sent within 200 ms if somebody listens, and forgotten otherwise. */
  addLine(text: string): void {
    if (this.#isEnded || this.#parts.gate() === "closed") return;
    this.#batch.add(text);
    this.#start();
  }

  /** Sends a message at once, whoever listens, after the lines that came before it. */
  addMessage(payload: unknown): void {
    if (this.#isEnded) return;
    const before = this.#parts.gate() === "open" && this.#mayFlush() ? this.#batch.take() : undefined;
    if (before !== undefined) this.#messages.push(before);
    this.#messages.push(payload);
    while (this.#messages.length > messagesLimit) this.#messages.shift();
    this.#pause?.abort();
    this.#start();
  }

  /** To be called when the link is back or the gate has changed. */
  resume(): void {
    if (this.#parts.gate() === "closed") this.#batch.clear();
    this.#pause?.abort();
    this.#start();
  }

  /** Sends all that waits now. Resolves when it is sent, when the link is down, or after `limitMs`. */
  async flush(limitMs: number): Promise<void> {
    this.#isHurried = true;
    this.#pause?.abort();
    this.#start();
    try {
      await within(limitMs, () => this.#pump, { what: "The end of a log stream" });
    } catch {
      // The network is slow; what is left goes out when it can.
    } finally {
      this.#isHurried = false;
    }
  }

  /** Drops what waits and takes nothing more. Resolves when nothing is on its way. */
  async end(): Promise<void> {
    this.#isEnded = true;
    this.#messages = [];
    this.#batch.clear();
    this.#pause?.abort();
    await this.#pump;
  }

  #start(): void {
    if (this.#isPumping || !this.#hasWork()) return;
    this.#isPumping = true;
    this.#pump = this.#run();
  }

  #hasWork(): boolean {
    return this.#parts.isConnected() && (this.#messages.length > 0 || !this.#batch.isEmpty);
  }

  async #run(): Promise<void> {
    while (this.#hasWork()) {
      if (this.#messages.length === 0) await this.#gather();
      const payload = this.#messages.length > 0 ? this.#messages.shift() : this.#takeBatch();
      if (payload !== undefined && !await this.#send(payload)) break;
    }
    this.#isPumping = false;
  }

  /** Waits until lines have gathered, or until a message, an end or a change wants out. */
  async #gather(): Promise<void> {
    if (this.#isHurried && this.#mayFlush()) return;
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
    return this.#mayFlush() ? this.#batch.take() : undefined;
  }

  #mayFlush(): boolean {
    return this.#parts.gate() !== "pending" && !this.#parts.isCongested();
  }

  /** False when the link is down; the payload then waits for its return. */
  async #send(payload: unknown): Promise<boolean> {
    try {
      await within(publishLimitMs, () => this.#parts.publish(payload), { what: "Publishing a log message" });
      return true;
    } catch (error) {
      if (hasCode(error, "not_connected") && !this.#isEnded) {
        this.#messages.unshift(payload);
        return false;
      }
      this.#parts.log.debug("Cannot publish a log message", { error });
      return true;
    }
  }
}
