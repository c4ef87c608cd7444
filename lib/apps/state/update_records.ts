/** The updates of the apps: what a new release replaces until it has proven itself, and which release has failed. */

import type { AppId, AppRequest } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import type { Dict } from "../../base/json.ts";
import type { Database } from "../../store/database.ts";
import { deleteUpdate, readUpdate, type Release, type StoredUpdate, writeUpdate } from "../../store/update_rows.ts";
import { fallbackFor, fallbackOf, isOnProbation, updateAfterRequest } from "../plan/rollback.ts";
import type { LiveApp } from "./live_app.ts";

/** What the records of updates need of those of the apps. */
export interface UpdateRecordsDeps {
  database: Database;
  clock: Pick<Clock, "wall">;
  /** False for an app that was forgotten. */
  isKnown(app: LiveApp): boolean;
  /**
   * Stores another installed release, for the app and for its request, with its compose file; null for an app of one
   * container.
   */
  storeRelease(app: LiveApp, release: Release & { dockerCompose: Dict | null }): void;
}

/**
 * The update of each app. Every method throws `store_failed`.
 *
 * - An app has one update at most: between its switch and the end of its probation, or failed.
 * - Nothing is stored for an app that was forgotten.
 */
export class UpdateRecords {
  readonly #deps: UpdateRecordsDeps;

  constructor(deps: UpdateRecordsDeps) {
    this.#deps = deps;
  }

  /** The update of an app; undefined when there is none. */
  find(id: AppId): StoredUpdate | undefined {
    return readUpdate(this.#deps.database, id);
  }

  /**
   * True from the switch of an update to the end of its probation. False when the database cannot be read; never
   * throws.
   */
  isUnderWay(id: AppId): boolean {
    try {
      return fallbackOf(this.find(id)) !== undefined;
    } catch {
      // Callers need a quick answer, and false does no harm.
      return false;
    }
  }

  /**
   * The release `to` is about to replace the installed version: `container`, or the project of `dockerCompose`. The
   * fallback is the last release that has proven itself, so it stays the same when an earlier update is still on
   * probation.
   */
  openSwitch(app: LiveApp, { to, ...replaced }: Pick<StoredUpdate, "to" | "container" | "dockerCompose">): void {
    const installed = { from: { version: app.version, releaseKey: app.releaseKey }, ...replaced };
    this.#store(app, { id: app.id, phase: "switch", ...fallbackFor(installed, this.find(app.id)), to, reason: "" });
  }

  /** The switch does not take place: the installed version was not touched. */
  dropSwitch(id: AppId): void {
    if (this.find(id)?.phase === "switch") deleteUpdate(this.#deps.database, id);
  }

  /**
   * The release `to` is installed and on probation, with its compose file if it has one. The stored request is
   * adjusted, so that it does not ask for the same update again; whatever else Studio has asked for since (a target, a
   * still newer version) stays.
   */
  adopt(app: LiveApp, to: Release, { dockerCompose }: { dockerCompose: Dict | null }): void {
    this.#deps.database.transaction(() => {
      this.#deps.storeRelease(app, { ...to, dockerCompose });
      const update = this.find(app.id);
      if (update !== undefined) this.#store(app, { ...update, phase: "probation", to });
    });
    Object.assign(app, to, { updateStatus: "pending_remote_confirmation" });
  }

  /**
   * The release on probation has failed: what it replaced is the installed version again. Does nothing without a
   * probation.
   */
  revert(app: LiveApp, reason: string): void {
    const update = this.find(app.id);
    if (!isOnProbation(update)) return;
    this.#deps.database.transaction(() => {
      this.#deps.storeRelease(app, { ...update.from, dockerCompose: update.dockerCompose ?? null });
      this.#store(app, { ...update, phase: "failed", reason });
    });
    Object.assign(app, update.from, { updateStatus: "canceled" });
  }

  /** The release on probation has proven itself. */
  close(id: AppId): void {
    if (isOnProbation(this.find(id))) deleteUpdate(this.#deps.database, id);
  }

  /** The release `to` cannot run on this device, as was found out before anything was touched. */
  refuse(app: LiveApp, { to, reason }: Pick<StoredUpdate, "to" | "reason">): void {
    const from = { version: app.version, releaseKey: app.releaseKey };
    this.#store(app, { id: app.id, phase: "failed", from, to, container: null, reason });
  }

  /**
   * Studio has sent a request of its own accord. A request for an update lets the failed release be tried again; any
   * other replaces the settings from before the failed update.
   */
  noteRequest(app: LiveApp, request: AppRequest): void {
    const update = this.find(app.id);
    const left = updateAfterRequest(request, update);
    if (left === update) return;
    if (left === undefined) deleteUpdate(this.#deps.database, app.id);
    else this.#store(app, left);
  }

  #store(app: LiveApp, update: StoredUpdate): void {
    if (this.#deps.isKnown(app)) writeUpdate(this.#deps.database, update, { now: this.#deps.clock.wall() });
  }
}
