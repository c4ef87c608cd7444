/** Keeps messages that could not be sent on the disk, so that neither a cut of the link nor the end of the agent loses one. */

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

/** What is needed to keep messages. */
export interface PendingMessagesDeps {
  database: Database;
  clock: Pick<Clock, "wall">;
  log: Log;
}

/** The messages on the disk. Each is held by the outlet that will send it, or waits for one. Nothing here throws. */
export class PendingMessages {
  readonly #parts: PendingMessagesDeps;
  readonly #held = new Set<number>();

  constructor(parts: PendingMessagesDeps) {
    this.#parts = parts;
  }

  /** Stores a message for whoever holds it. Gives its row; undefined when the disk refuses it. */
  keep(message: ChannelMessage): number | undefined {
    const { database, clock, log } = this.#parts;
    try {
      const { rowId, dropped } = addMessage(database, message, { now: clock.wall() });
      if (dropped > 0) log.warn("The oldest messages that waited were dropped", { dropped });
      this.#held.add(rowId);
      return rowId;
    } catch (error) {
      log.warn("Cannot keep a message about an app", { channel: message.channel, error });
      return undefined;
    }
  }

  /** The message was sent, or is not wanted any more. While the disk does not let it go it counts as held, so that it is not sent twice. */
  drop(rowId: number): void {
    try {
      deleteMessage(this.#parts.database, rowId);
      this.#held.delete(rowId);
    } catch (error) {
      this.#parts.log.warn("Cannot take out a message that was sent", { error });
    }
  }

  /** Whoever held the message sends it no more; it stays on the disk. */
  release(rowId: number): void {
    this.#held.delete(rowId);
  }

  /** Those that nobody holds, oldest first. The caller holds them from now on. */
  takeOver(): WaitingMessage[] {
    try {
      const free = readMessages(this.#parts.database).filter(({ rowId }) => !this.#held.has(rowId));
      for (const { rowId } of free) this.#held.add(rowId);
      return free;
    } catch (error) {
      this.#parts.log.warn("Cannot read the messages that wait", { error });
      return [];
    }
  }
}
