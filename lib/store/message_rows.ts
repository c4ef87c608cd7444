/** Messages about apps that could not be sent yet (table `ReagentMessages`), oldest first. */

import { localTimeText } from "../base/local_time.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database, Row } from "./database.ts";

/** A message on the log channel of an app. */
export interface ChannelMessage {
  channel: string;
  /** The text, or the token that clears the log in viewers. */
  chunk: string;
}

/** A message that waits. */
export interface WaitingMessage extends ChannelMessage {
  rowId: number;
  /** RFC 3339. */
  happened: string;
}

/** How many messages of all channels may wait; the oldest are dropped first. */
export const waitingLimit = 500;

/** Adds a message at the end; the oldest above the limit are dropped. Throws `store_failed`. */
export function addMessage(
  database: Database,
  { channel, chunk }: ChannelMessage,
  options: { now: Date },
): { rowId: number; dropped: number } {
  return database.transaction(() => {
    database.run(
      "INSERT INTO ReagentMessages (happened, channel, chunk) VALUES (?, ?, ?)",
      // As JSON, because text in the database ends at the first U+0000.
      ...[localTimeText(options.now), channel, JSON.stringify(chunk)],
    );
    const rowId = Number(database.first("SELECT max(id) AS id FROM ReagentMessages")?.id);
    const dropped = database.run("DELETE FROM ReagentMessages WHERE id <= ?", rowId - waitingLimit);
    return { rowId, dropped };
  });
}

/** All that wait, oldest first. Rows that cannot be read are skipped with a warning. Throws `store_failed`. */
export function readMessages(database: Database): WaitingMessage[] {
  const rows = database.all("SELECT * FROM ReagentMessages ORDER BY id");
  return decodeRows(rows, { decode: decodeMessageRow, log: database.log });
}

/** Removes one; nothing when it is gone already. Throws `store_failed`. */
export function deleteMessage(database: Database, rowId: number): void {
  database.run("DELETE FROM ReagentMessages WHERE id = ?", rowId);
}

function decodeMessageRow(row: Row): WaitingMessage {
  const columns = new Columns("ReagentMessages", row);
  return {
    rowId: columns.count("id"),
    happened: columns.text("happened"),
    channel: columns.text("channel"),
    chunk: String(columns.json("chunk")),
  };
}
