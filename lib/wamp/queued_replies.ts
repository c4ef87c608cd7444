/** Answers of procedures that wait for room on the line, first in, first out. Pure. */

import { encodeMessage } from "./message.ts";

/** A router that has that many calls under way and reads nothing gets no more. */
const countLimit = 10_000;

/** Of JSON text, for those that are no errors; errors are short, and the last that a caller can be told. */
const usualLimitBytes = 64 * 1024 * 1024;

/** Keeps answers; what they need in memory is bounded. */
export class QueuedReplies {
  readonly #limitBytes: number;
  #answers: { message: unknown[]; bytes: number }[] = [];
  #bytes = 0;

  constructor(options: { limitBytes?: number } = {}) {
    this.#limitBytes = options.limitBytes ?? usualLimitBytes;
  }

  /**
   * Keeps an answer; false when there is no room for it. `isError` answers count by their number only. Throws `bad_request` when it can
   * never be sent.
   */
  add(message: unknown[], { isError }: { isError: boolean }): boolean {
    if (this.#answers.length >= countLimit) return false;
    const bytes = isError ? 0 : encodeMessage(message).length;
    if (this.#bytes + bytes > this.#limitBytes) return false;
    this.#answers.push({ message, bytes });
    this.#bytes += bytes;
    return true;
  }

  /** The one that waits longest, which waits no more; undefined when none does. */
  take(): unknown[] | undefined {
    const first = this.#answers.shift();
    this.#bytes -= first?.bytes ?? 0;
    return first?.message;
  }
}
