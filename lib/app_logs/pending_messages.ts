/** Stores messages that could not be sent, so that neither a lost link nor the end of the agent loses one. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { Database } from "../store/database.ts";
import {
  addMessage,
  type ChannelMessage,
  deleteMessage,
  readMessages,
  type WaitingMessage,
} from "../store/message_rows.ts";

/** Where messages are stored. */
export interface PendingMessagesDeps {
  database: Database;
  clock: Pick<Clock, "wall">;
  log: Log;
}

/**
 * The stored messages of all channels. Each is claimed by the queue that will send it, or waits for one. Nothing
 * throws.
 */
export class PendingMessages {
  readonly #deps: PendingMessagesDeps;
  readonly #claimed = new Set<number>();

  constructor(deps: PendingMessagesDeps) {
    this.#deps = deps;
  }

  /** Stores a message that the caller claims. Returns its row; undefined when it cannot be stored. */
  add(message: ChannelMessage): number | undefined {
    const { database, clock, log } = this.#deps;
    try {
      const { rowId, dropped } = addMessage(database, message, { now: clock.wall() });
      if (dropped > 0) log.warn("Dropped the oldest waiting messages", { dropped });
      this.#claimed.add(rowId);
      return rowId;
    } catch (error) {
      log.warn("Cannot store a message about an app", { channel: message.channel, error });
      return undefined;
    }
  }

  /** The message was sent or dropped. If it cannot be deleted it stays claimed, so that it is not sent twice. */
  remove(rowId: number): void {
    try {
      deleteMessage(this.#deps.database, rowId);
      this.#claimed.delete(rowId);
    } catch (error) {
      this.#deps.log.warn("Cannot delete a message that was sent", { error });
    }
  }

  /** Gives up the claim; the message stays stored. */
  release(rowId: number): void {
    this.#claimed.delete(rowId);
  }

  /** Claims all messages that nobody has claimed, and returns them, oldest first. */
  claimAll(): WaitingMessage[] {
    try {
      const free = readMessages(this.#deps.database).filter(({ rowId }) => !this.#claimed.has(rowId));
      for (const { rowId } of free) this.#claimed.add(rowId);
      return free;
    } catch (error) {
      this.#deps.log.warn("Cannot read the waiting messages", { error });
      return [];
    }
  }
}
