/** The stored log histories of apps, for viewers that come after a restart. */

import type { Log } from "../base/log.ts";
import type { AppId } from "../model/app.ts";
import type { NamedApp } from "../model/app_names.ts";
import { parseChannel } from "../model/channel_names.ts";
import { readApp } from "../store/app_rows.ts";
import type { Database } from "../store/database.ts";
import { clearLogHistory, deleteLogHistory, readLogHistory, writeLogHistory } from "../store/log_rows.ts";
import type { History } from "./history.ts";
import { splitText } from "./pieces.ts";

/** Histories in the database. Nothing throws; what cannot be stored is logged. */
export class StoredHistories {
  readonly #database: Database;
  readonly #log: Log;

  constructor({ database, log }: { database: Database; log: Log }) {
    this.#database = database;
    this.#log = log;
  }

  /** The stored lines of an app that the device knows, oldest first; long ones in pieces. */
  read({ id, appName }: NamedApp): string[] {
    try {
      const lines = readApp(this.#database, id) === undefined ? [] : readLogHistory(this.#database, id) ?? [];
      return lines.flatMap(splitText);
    } catch (error) {
      this.#log.warn("Cannot read the stored log history", { app: appName, error });
      return [];
    }
  }

  /** Stores the history of a channel. */
  write(channel: string, history: History): void {
    const app = parseChannel(channel);
    // An empty history means that nothing was read: what is stored already is worth more.
    if (history.size === 0 || app === undefined) return;
    this.#try("write", channel, () => writeLogHistory(this.#database, app, { lines: history.texts() }));
  }

  /** Empties the stored history of an app. */
  clear(id: AppId, channel: string): void {
    this.#try("clear", channel, () => clearLogHistory(this.#database, id));
  }

  /** Deletes the stored history of an app. */
  delete(id: AppId, channel: string): void {
    this.#try("delete", channel, () => deleteLogHistory(this.#database, id));
  }

  #try(what: string, channel: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#log.warn(`Cannot ${what} the log history of an app`, { channel, error });
    }
  }
}
