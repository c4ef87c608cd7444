/**
 * Volumes without a name that containers of earlier agents have (table `ReagentVolumes`), so that they are mounted
 * again. Those of this agent are found by their names.
 */

import type { AppId } from "../model/app.ts";
import { Columns, decodeRows } from "./columns.ts";
import type { Database } from "./database.ts";

/** A volume of an app. */
export interface StoredVolume {
  name: string;
  /** Where the container sees it. */
  target: string;
}

/** The volumes of an app. Throws `store_failed`. */
export function readVolumes(database: Database, id: AppId): StoredVolume[] {
  const rows = database.all(
    "SELECT rowid AS id, * FROM ReagentVolumes WHERE app_key = ? AND stage = ?",
    ...[id.appKey, id.stage],
  );
  return decodeRows(rows, {
    decode: (row) => {
      const columns = new Columns("ReagentVolumes", row);
      return { name: columns.text("name"), target: columns.text("target") };
    },
    log: database.log,
  });
}

/** Stores volumes of an app, each in place of the one with its target. Throws `store_failed`. */
export function writeVolumes(
  database: Database,
  { id, volumes }: { id: AppId; volumes: readonly StoredVolume[] },
): void {
  database.transaction(() => {
    for (const { target, name } of volumes) {
      database.run(
        "INSERT OR REPLACE INTO ReagentVolumes (app_key, stage, target, name) VALUES (?, ?, ?, ?)",
        ...[id.appKey, id.stage, target, name],
      );
    }
  });
}

/** Deletes the volumes of an app. None is fine. Throws `store_failed`. */
export function deleteVolumes(database: Database, id: AppId): void {
  database.run("DELETE FROM ReagentVolumes WHERE app_key = ? AND stage = ?", id.appKey, id.stage);
}

/** The names of the volumes of all apps. Throws `store_failed`. */
export function readVolumeNames(database: Database): Set<string> {
  return new Set(database.all("SELECT name FROM ReagentVolumes").map((row) => String(row.name)));
}
