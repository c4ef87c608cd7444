/** The apps as the agent believes them to be: in memory, with the database behind them. */

import { type AppId, type AppIdText, type AppRequest, type AppState, idText } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import { deleteApp, readApp, readApps, writeAppState } from "../../store/app_rows.ts";
import type { Database } from "../../store/database.ts";
import { readRequest, readRequests, storeAppAndRequest, writeRequest } from "../../store/request_rows.ts";
import {
  deleteUpdate,
  readFailures,
  readUpdate,
  type Release,
  type StoredUpdate,
  writeFailures,
  writeUpdate,
} from "../../store/update_rows.ts";
import { appOfRequest, appOfStored, isGone, type LiveApp, storedPartOf } from "./live_app.ts";
import { stableTarget } from "./transitions.ts";

/**
 * All apps of the device. Every method throws `store_failed`.
 *
 * - An app has one object, from its first request to its removal.
 * - What is asked counts once the database has it, or once it is held; what has happened counts at once.
 * - What is held is stored together with the next state of its app.
 * - An app that was forgotten is not stored again, and not read again where its rows could not be deleted.
 */
export class AppRecords {
  readonly #database: Database;
  readonly #clock: Pick<Clock, "wall">;
  readonly #apps = new Map<AppIdText, LiveApp>();
  /** What Studio asks and the database does not have. */
  readonly #held = new Map<AppIdText, AppRequest>();
  /** Apps that were forgotten, and that the database still has. */
  readonly #forgotten = new Set<AppIdText>();

  constructor(parts: { database: Database; clock: Pick<Clock, "wall"> }) {
    this.#database = parts.database;
    this.#clock = parts.clock;
  }

  /** The app, from memory or from the database; undefined when there is none. */
  find(id: AppId): LiveApp | undefined {
    const live = this.#apps.get(idText(id));
    if (live !== undefined) return live;
    if (this.#forgotten.has(idText(id))) return undefined;
    const stored = readApp(this.#database, id);
    return stored && this.#keep(appOfStored(stored));
  }

  /** Every app of the device. */
  all(): LiveApp[] {
    for (const stored of readApps(this.#database)) {
      const name = idText(stored.id);
      if (!this.#apps.has(name) && !this.#forgotten.has(name)) this.#keep(appOfStored(stored));
    }
    return [...this.#apps.values()];
  }

  /** What Studio asked last for an app; undefined when nothing is known. */
  request(id: AppId): AppRequest | undefined {
    if (this.#forgotten.has(idText(id))) return undefined;
    return this.#held.get(idText(id)) ?? readRequest(this.#database, id);
  }

  /** What Studio asked last for each app. */
  requests(): AppRequest[] {
    const isStored = (name: AppIdText) => !this.#held.has(name) && !this.#forgotten.has(name);
    const stored = readRequests(this.#database).filter((request) => isStored(idText(request)));
    return [...stored, ...this.#held.values()];
  }

  /** Keeps what Studio asks: all of it or, when the database refuses it, nothing. Gives the app, made if it was not known. */
  take(request: AppRequest): LiveApp {
    const { app, wish } = this.#wishOf(request);
    const stored = storedPartOf({ ...app, ...wish });
    this.#database.transaction(() => {
      // Nothing of an earlier life of the app counts.
      this.#deleteRows(request);
      storeAppAndRequest(this.#database, stored, { ...request, target: wish.target }, this.#clock.wall());
    });
    this.#held.delete(idText(request));
    return this.#keep(Object.assign(app, wish));
  }

  /** Keeps what Studio asks in memory alone. Gives the app, made if it was not known. */
  hold(request: AppRequest): LiveApp {
    const { app, wish } = this.#wishOf(request);
    this.#held.set(idText(request), { ...request, target: wish.target });
    return this.#keep(Object.assign(app, wish));
  }

  /**
   * The app is in `state` now. An app that Studio wants gone, and that is gone, is forgotten: both of its rows and its object
   * (the object can still be used by who holds it). An app that is to be uninstalled is kept until it is `UNINSTALLED`.
   */
  setState(app: LiveApp, state: AppState): void {
    // What has happened is true, whether the disk takes it or not.
    app.state = state;
    if (!this.isKnown(app)) return this.#deleteForgotten(app.id);
    const isDone = isGone(state) && isGone(app.target) && (state === "UNINSTALLED" || app.target === "REMOVED");
    const held = this.#held.get(idText(app.id));
    this.#database.transaction(() => {
      // First, because the state copies what is known of the installed version into it.
      if (held !== undefined) writeRequest(this.#database, held, { state, now: this.#clock.wall() });
      writeAppState(this.#database, storedPartOf(app), this.#clock.wall());
      if (isDone) deleteApp(this.#database, app.id);
    });
    this.#held.delete(idText(app.id));
    if (isDone) this.#apps.delete(idText(app.id));
  }

  /** Another version is the installed one from now on, whether the disk takes it or not. */
  setVersion(app: LiveApp, version: string, releaseKey = app.releaseKey): void {
    app.version = version;
    app.releaseKey = releaseKey;
    if (this.isKnown(app)) writeAppState(this.#database, storedPartOf(app), this.#clock.wall());
  }

  /** What is remembered of the app's update; undefined when nothing is. */
  update(id: AppId): StoredUpdate | undefined {
    return readUpdate(this.#database, id);
  }

  /** True from the switch of an update to the end of its probation; false also when the disk does not say. */
  isOnTheWay(id: AppId): boolean {
    try {
      const update = this.update(id);
      return update !== undefined && update.phase !== "failed";
    } catch {
      // Who asks wants to be quick, and is right without an answer too.
      return false;
    }
  }

  /**
   * The container of the installed version is about to be replaced by one of `to`. What has proven last that it runs stays the way
   * back, also when the update before is still on probation.
   */
  openSwitch(app: LiveApp, to: Release, container: StoredUpdate["container"]): void {
    const before = this.update(app.id);
    const isProven = before === undefined || before.phase === "failed";
    const from = isProven ? { version: app.version, releaseKey: app.releaseKey } : before.from;
    const kept = isProven ? container : before.container;
    this.#storeUpdate(app, { id: app.id, phase: "switch", from, to, container: kept, reason: "" });
  }

  /** The switch that was opened does not take place: the installed version was not touched. */
  dropSwitch(id: AppId): void {
    if (this.update(id)?.phase === "switch") deleteUpdate(this.#database, id);
  }

  /**
   * An update has brought `version`, which is on probation from now on. The stored request is brought in line, so that it does not ask
   * for the same update again; what Studio has asked meanwhile (a target, a still newer version) stays.
   */
  adoptUpdate(app: LiveApp, to: Release): void {
    this.#database.transaction(() => {
      this.#storeVersion(app, to);
      const update = this.update(app.id);
      if (update !== undefined) this.#storeUpdate(app, { ...update, phase: "probation", to });
    });
    Object.assign(app, to, { updateStatus: "pending_remote_confirmation" });
  }

  /** The release on probation does not run: what it replaced is the installed version again. Nothing without such a release. */
  revertUpdate(app: LiveApp, reason: string): void {
    const update = this.update(app.id);
    if (update?.phase !== "probation") return;
    this.#database.transaction(() => {
      this.#storeVersion(app, update.from);
      this.#storeUpdate(app, { ...update, phase: "failed", reason });
    });
    Object.assign(app, update.from, { updateStatus: "canceled" });
  }

  /** The release on probation has proven that it runs. */
  closeUpdate(id: AppId): void {
    if (this.update(id)?.phase === "probation") deleteUpdate(this.#database, id);
  }

  /** A release cannot run here, as was found before anything was touched. */
  refuseUpdate(app: LiveApp, to: Release, reason: string): void {
    const from = { version: app.version, releaseKey: app.releaseKey };
    this.#storeUpdate(app, { id: app.id, phase: "failed", from, to, container: null, reason });
  }

  /** True when this version has failed and Studio has not asked for it again since. */
  hasFailed(id: AppId, version: string): boolean {
    const update = this.update(id);
    return update?.phase === "failed" && update.to.version === version;
  }

  /**
   * Studio has asked something by itself. Settings of before a failed update count no more, and when it asks for an update the release
   * that failed may be tried again.
   */
  noteQuestion(app: LiveApp, request: AppRequest): void {
    const update = this.update(app.id);
    if (update?.phase !== "failed") return;
    if (request.requestUpdate) deleteUpdate(this.#database, app.id);
    else if (update.container !== null) this.#storeUpdate(app, { ...update, container: null });
  }

  /** How often the app has failed in a row. */
  failures(id: AppId): number {
    return readFailures(this.#database, id);
  }

  /** Keeps how often the app has failed in a row. */
  setFailures(id: AppId, failures: number): void {
    writeFailures(this.#database, id, failures);
  }

  /** The host ports of a stored request have been chosen. */
  setPorts(request: AppRequest): void {
    const app = this.#apps.get(idText(request));
    if (app !== undefined) this.#replaceRequest(request, app.state);
  }

  /** Forgets an app: both of its rows and its object. Rows that cannot be deleted count no more; `setState()` deletes them. */
  forget(id: AppId): void {
    this.#forgotten.add(idText(id));
    this.#held.delete(idText(id));
    this.#apps.delete(idText(id));
    this.#deleteForgotten(id);
  }

  /** True while `app` is the object of its app; false once it was forgotten. */
  isKnown(app: LiveApp): boolean {
    return this.#apps.get(idText(app.id)) === app;
  }

  #storeUpdate(app: LiveApp, update: StoredUpdate): void {
    if (this.isKnown(app)) writeUpdate(this.#database, update, this.#clock.wall());
  }

  /** Another version is installed: for the app, and for its stored request. */
  #storeVersion(app: LiveApp, { version, releaseKey }: Release): void {
    writeAppState(this.#database, storedPartOf({ ...app, version, releaseKey }), this.#clock.wall());
    const request = this.request(app.id);
    if (request === undefined) return;
    this.#replaceRequest({ ...request, version, presentVersion: version, releaseKey }, app.state);
  }

  /** What is held stays held until the database has all of the app. */
  #replaceRequest(request: AppRequest, state: AppState): void {
    writeRequest(this.#database, request, { state, now: this.#clock.wall() });
    if (this.#held.has(idText(request))) this.#held.set(idText(request), request);
  }

  /** The app that a request is about, known or not, and what the request makes of it. */
  #wishOf(request: AppRequest): { app: LiveApp; wish: Pick<LiveApp, "target" | "appName" | "requestorAccountKey"> } {
    const target = stableTarget(request.target);
    const app = this.find(request) ?? appOfRequest(request, target);
    const requestorAccountKey = request.requestorAccountKey || app.requestorAccountKey;
    return { app, wish: { target, appName: request.appName, requestorAccountKey } };
  }

  #deleteForgotten(id: AppId): void {
    this.#deleteRows(id);
    this.#forgotten.delete(idText(id));
  }

  /** Of an app that was forgotten. */
  #deleteRows(id: AppId): void {
    if (this.#forgotten.has(idText(id))) deleteApp(this.#database, id);
  }

  #keep(app: LiveApp): LiveApp {
    this.#forgotten.delete(idText(app.id));
    this.#apps.set(idText(app.id), app);
    return app;
  }
}
