/** The volumes without a name that containers of earlier agents have left to an app. */

import { type AppId, type AppIdText, idText } from "../../model/app.ts";
import type { Database } from "../../store/database.ts";
import {
  deleteVolumes,
  readVolumeNames,
  readVolumes,
  type StoredVolume,
  writeVolumes,
} from "../../store/volume_rows.ts";

/** Volumes of one app; no container has more, and the engine would hardly start one that had. */
export const volumeLimit = 256;

/**
 * The volumes of each app.
 *
 * - One that the database refuses, as on a full disk, is held in memory.
 */
export class VolumeRecords {
  readonly #database: Database;
  readonly #held = new Map<AppIdText, readonly StoredVolume[]>();

  constructor({ database }: { database: Database }) {
    this.#database = database;
  }

  /** The volumes of an app. Throws `store_failed`. */
  of(id: AppId): StoredVolume[] {
    const volumes = new Map(readVolumes(this.#database, id).map((volume) => [volume.target, volume]));
    for (const volume of this.#held.get(idText(id)) ?? []) volumes.set(volume.target, volume);
    return [...volumes.values()];
  }

  /** The names of the volumes of all apps. Throws `store_failed`. */
  names(): Set<string> {
    return readVolumeNames(this.#database).union(new Set([...this.#held.values()].flat().map(({ name }) => name)));
  }

  /** Keeps the volumes of a container that is about to be removed. Throws `store_failed`: then they are held. */
  keep(id: AppId, volumes: readonly StoredVolume[]): void {
    if (volumes.length === 0) return;
    const kept = volumes.slice(0, volumeLimit);
    this.#held.set(idText(id), kept);
    const known = new Map(readVolumes(this.#database, id).map(({ target, name }) => [target, name]));
    const news = kept.filter(({ target, name }) => known.get(target) !== name);
    if (news.length > 0) writeVolumes(this.#database, { id, volumes: news });
    this.#held.delete(idText(id));
  }

  /** Forgets the volumes of an app, which are gone. Throws `store_failed`. */
  forget(id: AppId): void {
    this.#held.delete(idText(id));
    if (readVolumes(this.#database, id).length > 0) deleteVolumes(this.#database, id);
  }
}
