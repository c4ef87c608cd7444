/**
 * The socket that autobahn's session sends through: every message leaves through here, some of them changed or
 * delayed.
 */

import type { Clock } from "../async/clock.ts";
import { foreignLines, LineQuota } from "../async/line_quota.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { AutobahnSocket } from "./autobahn_shape.ts";
import { messageTypes } from "./message.ts";
import type { MessageFilter } from "./message_filter.ts";
import { QueuedReplies } from "./queued_replies.ts";
import type { Transport } from "./transport.ts";
import { errorUris } from "./uris.ts";

/** What a socket works with. */
export interface SessionSocketOptions {
  transport: Transport;
  filter: MessageFilter;
  /** Sent in place of autobahn's own HELLO. */
  hello: unknown[];
  /** autobahn asks for the end of the connection, because it cannot handle a message. */
  onRefused(): void;
  clock: Pick<Clock, "now">;
  log: Log;
}

/**
 * Invariant: a reply to a call of one of our procedures is sent, queued, or replaced by an error, but never just
 * lost.
 */
export class SessionSocket implements AutobahnSocket {
  readonly #options: SessionSocketOptions;
  readonly #queue = new QueuedReplies();
  readonly #unsent: LineQuota;

  constructor(options: SessionSocketOptions) {
    this.#options = options;
    this.#unsent = new LineQuota(foreignLines, options.clock);
  }

  /** Delivers a message to autobahn, which replaces this member. */
  onmessage(_message: unknown[]): void {}

  close(): void {
    this.#options.onRefused();
  }

  /**
   * Sends a message, or queues it when it is a reply and too much is waiting. Throws what `Transport.send()` throws.
   */
  send(message: unknown[]): void {
    const { transport, filter, hello } = this.#options;
    const outbound = message[0] === messageTypes.hello ? hello : message;
    try {
      if (isReply(message) && !transport.canSend && this.#queue.add(message, { isError: isError(message) })) return;
      transport.send(outbound);
      filter.onSent(outbound);
    } catch (error) {
      // Nobody awaits autobahn's own promise chains: an exception there would end the process.
      if (message[0] === messageTypes.yield) return this.#replaceReply(message[1], error);
      if (typeof message[0] === "number" && unawaitedTypes.has(message[0])) return;
      throw error;
    }
  }

  /** Sends the queued replies for which there is room. */
  sendQueued(): void {
    const { transport } = this.#options;
    while (transport.isOpen && transport.canSend) {
      const message = this.#queue.take();
      if (message === undefined) return;
      this.send(message);
    }
  }

  /** A reply that cannot be sent as it is becomes an error, so that the caller does not wait forever. */
  #replaceReply(request: unknown, error: unknown): void {
    this.#unsent.run((omitted) => {
      this.#options.log.warn("Cannot send the answer of a procedure", { error, ...omitted });
    });
    const details = [{ error: messageOf(error) }];
    this.send([messageTypes.error, messageTypes.invocation, request, {}, errorUris.canceled, details]);
  }
}

/** Messages that nobody misses when they cannot be sent. */
const unawaitedTypes: ReadonlySet<number> = new Set([
  messageTypes.error,
  messageTypes.cancel,
  messageTypes.authenticate,
  messageTypes.abort,
  messageTypes.goodbye,
]);

/** True for what the caller of one of our procedures waits for. */
function isReply(message: unknown[]): boolean {
  return message[0] === messageTypes.yield || (isError(message) && message[1] === messageTypes.invocation);
}

function isError(message: unknown[]): boolean {
  return message[0] === messageTypes.error;
}
