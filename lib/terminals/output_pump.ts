/**
 * What a shell prints, on its way to viewers: in order, in messages as large as they may be while more is printed than
 * the link takes, and with a shell that waits instead of a memory that fills.
 */

import type { Clock } from "../async/clock.ts";
import { hasCode } from "../base/errors.ts";
import { joinBytes } from "../base/lines.ts";
import { WakeUp } from "./wake_up.ts";

/** The largest message, in bytes of the shell. */
export const terminalMessageBytes = 64 * 1024;

/** How much is read ahead while nobody can receive it; then the shell waits. */
export const heldLimitBytes = 256 * 1024;

/** As long as the link takes messages, little is read ahead: what is read before Ctrl-C is shown before its effect. */
const aheadLimitBytes = 64 * 1024;

/** Messages that the router has not confirmed yet. */
const windowSize = 4;

/** Messages that may be on the way while what is behind them is not a full one; what is printed meanwhile joins it. */
const smallWindowSize = 2;

/** On a slow link messages are smaller, so that what is on the way does not delay the answer to a key for long. */
const messageFloorBytes = 16 * 1024;
const slowMs = 200;
const fastMs = 50;

/** The end of the output instead of bytes. */
export const endOfOutput = Symbol("the end of the output");

/** Where output comes from, and where it goes. */
export interface OutputPumpOptions {
  read(): Promise<Uint8Array | undefined>;
  /** How many of the first bytes may make a message of their own. */
  messageEnd(bytes: Uint8Array): number;
  /** True while messages can be sent. */
  isOpen(): boolean;
  /** Resolves when messages can be sent. Throws when that is given up. */
  untilOpen(): Promise<void>;
  /** Resolves when the router has it. Throws `not_connected` when it has to be sent again. */
  publish(message: Uint8Array | typeof endOfOutput): Promise<void>;
  /** Called for a message that is lost. */
  onLost(error: unknown): void;
  clock: Pick<Clock, "now">;
}

interface OutputMessage {
  content: Uint8Array | typeof endOfOutput;
  isSent: boolean;
}

/**
 * - Messages leave in the order in which they were read, and one is sent again only when its session was lost before
 *   the router had confirmed it.
 * - The end comes once, behind everything else.
 */
export class OutputPump {
  readonly #options: OutputPumpOptions;
  readonly #changes = new WakeUp();
  readonly #parts: Uint8Array[] = [];
  readonly #window: OutputMessage[] = [];
  #readBytes = 0;
  #messageBytes = terminalMessageBytes;
  #isRead = false;
  #isDiscarding = false;
  #isEndTaken = false;

  constructor(options: OutputPumpOptions) {
    this.#options = options;
  }

  /** Resolves when the shell has ended and all of its output was read. Never throws. */
  async read(): Promise<void> {
    for (;;) {
      while (this.#readBytes >= this.#limit() && !this.#isDiscarding) await this.#changes.wait();
      const bytes = await this.#options.read();
      if (bytes === undefined) break;
      if (this.#isDiscarding) continue;
      this.#parts.push(bytes.slice());
      this.#readBytes += bytes.length;
      this.#changes.notify();
    }
    this.#isRead = true;
    this.#changes.notify();
  }

  /** Sends everything up to the end. Throws when sending is given up. */
  async send(): Promise<void> {
    for (;;) {
      const message = this.#next();
      if (message === undefined) {
        if (this.#isEndTaken && this.#window.length === 0) return;
        await this.#changes.wait();
        continue;
      }
      if (!this.#options.isOpen()) {
        await this.#options.untilOpen();
        // It may have been dropped meanwhile.
        continue;
      }
      message.isSent = true;
      this.#publish(message).catch((error) => this.#options.onLost(error));
    }
  }

  /** Drops what was not sent yet, and what the shell still prints; the end follows at once. */
  discard(): void {
    this.#isDiscarding = true;
    this.#isRead = true;
    this.#parts.length = 0;
    this.#readBytes = 0;
    for (const message of this.#window.filter(({ isSent }) => !isSent)) this.#remove(message);
    this.#isEndTaken = this.#window.some(({ content }) => content === endOfOutput);
    this.#changes.notify();
  }

  /** Looks again at what may be sent or read. */
  wake(): void {
    this.#changes.notify();
  }

  #limit(): number {
    return this.#options.isOpen() ? aheadLimitBytes : heldLimitBytes;
  }

  /** What can be sent at this moment. */
  #next(): OutputMessage | undefined {
    const again = this.#window.find(({ isSent }) => !isSent);
    if (again !== undefined || this.#window.length >= windowSize) return again;
    const isSmall = this.#readBytes < this.#messageBytes && !this.#isRead;
    if (isSmall && this.#window.length >= smallWindowSize) return undefined;
    const content = this.#take();
    if (content === undefined) return undefined;
    const message: OutputMessage = { content, isSent: false };
    this.#window.push(message);
    return message;
  }

  #take(): OutputMessage["content"] | undefined {
    if (this.#readBytes === 0) {
      if (!this.#isRead || this.#isEndTaken) return undefined;
      this.#isEndTaken = true;
      return endOfOutput;
    }
    const all = joinBytes(this.#parts, this.#readBytes);
    const first = all.subarray(0, this.#messageBytes);
    const isLast = this.#isRead && first.length === all.length;
    const size = isLast ? first.length : this.#options.messageEnd(first);
    if (size === 0) return undefined;
    this.#parts.length = 0;
    if (size < all.length) this.#parts.push(all.subarray(size));
    this.#readBytes = all.length - size;
    this.#changes.notify();
    return all.subarray(0, size);
  }

  async #publish(message: OutputMessage): Promise<void> {
    const { clock, onLost, publish } = this.#options;
    const sentAt = clock.now();
    try {
      await publish(message.content);
      this.#adapt(clock.now() - sentAt);
      this.#remove(message);
    } catch (error) {
      if (hasCode(error, "not_connected")) {
        message.isSent = false;
      } else {
        this.#remove(message);
        onLost(error);
      }
    }
    this.#changes.notify();
  }

  #adapt(tookMs: number): void {
    if (tookMs > slowMs) this.#messageBytes = Math.max(messageFloorBytes, this.#messageBytes / 2);
    else if (tookMs < fastMs) this.#messageBytes = Math.min(terminalMessageBytes, this.#messageBytes * 2);
  }

  #remove(message: OutputMessage): void {
    const index = this.#window.indexOf(message);
    if (index >= 0) this.#window.splice(index, 1);
  }
}
