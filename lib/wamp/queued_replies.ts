/** Replies of procedures that wait until the socket can take them, first in, first out. Pure. */

import { encodeMessage } from "./message.ts";

/** A router that has this many calls open and reads nothing gets no more replies. */
const countLimit = 10_000;

/** Of JSON text. Errors do not count: they are short, and without them a caller would learn nothing. */
const queueLimitBytes = 64 * 1024 * 1024;

/** A queue whose memory is bounded. */
export class QueuedReplies {
  readonly #limitBytes: number;
  #replies: { message: unknown[]; bytes: number }[] = [];
  #bytes = 0;

  constructor(options: { limitBytes?: number } = {}) {
    this.#limitBytes = options.limitBytes ?? queueLimitBytes;
  }

  /**
   * Queues a reply; false when the queue is full. Errors count by their number only. Throws `bad_request` when the
   * reply can never be sent.
   */
  add(message: unknown[], { isError }: { isError: boolean }): boolean {
    if (this.#replies.length >= countLimit) return false;
    const bytes = isError ? 0 : encodeMessage(message).length;
    if (this.#bytes + bytes > this.#limitBytes) return false;
    this.#replies.push({ message, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** Removes and returns the oldest reply; undefined when the queue is empty. */
  take(): unknown[] | undefined {
    const first = this.#replies.shift();
    this.#bytes -= first?.bytes ?? 0;
    return first?.message;
  }
}
