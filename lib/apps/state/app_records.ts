/** The apps of the device, and what Studio wants of them, in memory and in the database. */

import { type AppId, type AppIdText, type AppRequest, type AppState, idText } from "../../model/app.ts";
import type { Clock } from "../../async/clock.ts";
import type { Dict } from "../../base/json.ts";
import { countApps, deleteApp, readApp, readApps, type StoredApp, writeAppState } from "../../store/app_rows.ts";
import type { Database } from "../../store/database.ts";
import { type AppPortRules, readPortRules } from "../../store/port_rows.ts";
import {
  allRequestBytes,
  readRequest,
  readRequests,
  requestBytes,
  storeAppAndRequest,
  storedRequestBytes,
  writeRequest,
} from "../../store/request_rows.ts";
import { readFailures, type Release, writeFailures } from "../../store/update_rows.ts";
import { appFromRequest, appFromRow, isGone, type LiveApp, rowOf } from "./live_app.ts";
import { isTransient, stableTarget } from "./transitions.ts";
import { UpdateRecords } from "./update_records.ts";
import { VolumeRecords } from "./volume_records.ts";

/**
 * All apps of the device. Every method throws `store_failed`.
 *
 * - An app has one object, from its first request to its removal.
 * - A request counts once it is stored, or once it is held in memory. What has happened to an app counts at once.
 * - A held request is stored together with the next state of its app.
 * - An app that was forgotten is never stored again, and not read again when its rows could not be deleted.
 */
export class AppRecords {
  /** The updates of the apps. */
  readonly updates: UpdateRecords;
  /** The volumes of the apps from containers of earlier agents. */
  readonly volumes: VolumeRecords;
  readonly #database: Database;
  readonly #clock: Pick<Clock, "wall">;
  readonly #apps = new Map<AppIdText, LiveApp>();
  /** Requests that the database has refused. */
  readonly #held = new Map<AppIdText, AppRequest>();
  /** Forgotten apps that still have rows in the database. */
  readonly #forgotten = new Set<AppIdText>();
  /** The port rules of apps that reserve a host port; undefined until somebody asks. */
  #reserving: Map<AppIdText, AppPortRules> | undefined;

  constructor({ database, clock }: { database: Database; clock: Pick<Clock, "wall"> }) {
    this.#database = database;
    this.#clock = clock;
    this.volumes = new VolumeRecords({ database });
    this.updates = new UpdateRecords({
      database,
      clock,
      isKnown: (app) => this.isKnown(app),
      storeRelease: (app, release) => this.#storeRelease(app, release),
    });
  }

  /** The app, from memory or from the database; undefined when there is none. */
  find(id: AppId): LiveApp | undefined {
    const live = this.#apps.get(idText(id));
    if (live !== undefined) return live;
    if (this.#forgotten.has(idText(id))) return undefined;
    const stored = readApp(this.#database, id);
    return stored && this.#remember(this.#load(stored));
  }

  /** Every app of the device. */
  all(): LiveApp[] {
    for (const stored of readApps(this.#database)) {
      const name = idText(stored.id);
      if (!this.#apps.has(name) && !this.#forgotten.has(name)) this.#remember(this.#load(stored));
    }
    return [...this.#apps.values()];
  }

  /** How many apps there are. */
  count(): number {
    // Some may only be stored, and some only held in memory.
    return Math.max(countApps(this.#database), this.#apps.size);
  }

  /** The bytes of the latest request for an app; 0 when there is none. */
  requestBytes(id: AppId): number {
    const held = this.#held.get(idText(id));
    return held === undefined ? storedRequestBytes(this.#database, id) : requestBytes(held);
  }

  /** The bytes of all requests together. */
  allRequestBytes(): number {
    return [...this.#held.values()].reduce((sum, held) => sum + requestBytes(held), allRequestBytes(this.#database));
  }

  /** The latest request for an app; undefined when there is none. */
  request(id: AppId): AppRequest | undefined {
    if (this.#forgotten.has(idText(id))) return undefined;
    return this.#held.get(idText(id)) ?? readRequest(this.#database, id);
  }

  /** The latest request for each app. */
  requests(): AppRequest[] {
    const isStored = (name: AppIdText) => !this.#held.has(name) && !this.#forgotten.has(name);
    const stored = readRequests(this.#database).filter((request) => isStored(idText(request)));
    return [...stored, ...this.#held.values()];
  }

  /** The port rules of all apps that reserve a host port, running or not. Every start of an app asks. */
  reservingRules(): AppPortRules[] {
    this.#reserving ??= new Map(this.#readRules({ onlyReserved: true }).map((app) => [idText(app.id), app]));
    return [...this.#reserving.values()];
  }

  /** The port rules of all apps, running or not. */
  portRules(): AppPortRules[] {
    return this.#readRules({ onlyReserved: false });
  }

  #readRules(options: { onlyReserved: boolean }): AppPortRules[] {
    const isStored = (name: AppIdText) => !this.#held.has(name) && !this.#forgotten.has(name);
    const stored = readPortRules(this.#database, options).filter(({ id }) => isStored(idText(id)));
    const held = [...this.#held.values()].map(({ appKey, stage, ports }) => ({ id: { appKey, stage }, rules: ports }));
    return [...stored, ...held];
  }

  /** Stores a request, or nothing of it when the database refuses. Returns its app, created if it was not known. */
  store(request: AppRequest): LiveApp {
    const { app, wanted } = this.#wantedBy(request);
    const row = rowOf({ ...app, ...wanted });
    this.#database.transaction(() => {
      // Rows of an earlier life of the app must not count.
      this.#deleteRows(request);
      storeAppAndRequest(this.#database, row, {
        request: { ...request, target: wanted.target },
        now: this.#clock.wall(),
      });
    });
    this.#held.delete(idText(request));
    this.#noteRules(request);
    return this.#remember(Object.assign(app, wanted));
  }

  /** Holds a request in memory only. Returns its app, which is created if it was not known. */
  hold(request: AppRequest): LiveApp {
    const { app, wanted } = this.#wantedBy(request);
    this.#held.set(idText(request), { ...request, target: wanted.target });
    this.#noteRules(request);
    return this.#remember(Object.assign(app, wanted));
  }

  /**
   * Sets the state of an app. An app that is gone, as Studio wants it, is forgotten: its rows and its object, which
   * callers may go on using. An app that is to be uninstalled is kept until it is `UNINSTALLED`.
   */
  setState(app: LiveApp, state: AppState): void {
    // It has happened, whether it can be stored or not.
    app.state = state;
    if (!this.isKnown(app)) return this.#deleteForgotten(app.id);
    const isDone = isGone(state) && isGone(app.target) && (state === "UNINSTALLED" || app.target === "REMOVED");
    const held = this.#held.get(idText(app.id));
    // A state alone is read from the engine after a power loss; a request and a removal must be there.
    const isRelaxed = held === undefined && !isDone;
    this.#database[isRelaxed ? "relaxedTransaction" : "transaction"](() => {
      // First, because writing the state copies the installed version into the request.
      if (held !== undefined) writeRequest(this.#database, held, { state, now: this.#clock.wall() });
      writeAppState(this.#database, rowOf(app), { now: this.#clock.wall() });
      if (isDone) deleteApp(this.#database, app.id);
    });
    this.#held.delete(idText(app.id));
    if (!isDone) return;
    this.#apps.delete(idText(app.id));
    this.#reserving?.delete(idText(app.id));
  }

  /** Sets the installed version, which counts even when it cannot be stored. The release stays when none is named. */
  setVersion(app: LiveApp, { version, releaseKey = app.releaseKey }: { version: string; releaseKey?: number }): void {
    app.version = version;
    app.releaseKey = releaseKey;
    if (this.isKnown(app)) writeAppState(this.#database, rowOf(app), { now: this.#clock.wall() });
  }

  /** How often the app has failed in a row. */
  failures(id: AppId): number {
    return readFailures(this.#database, id);
  }

  /** Stores how often the app has failed in a row. */
  setFailures(id: AppId, failures: number): void {
    writeFailures(this.#database, id, { failures });
  }

  /** Stores a request whose host ports have been chosen. */
  setPorts(request: AppRequest): void {
    const app = this.#apps.get(idText(request));
    if (app !== undefined) this.#replaceRequest(request, app.state);
  }

  /** Forgets an app: its rows and its object. Rows that cannot be deleted count no more; `setState()` deletes them. */
  forget(id: AppId): void {
    this.#forgotten.add(idText(id));
    this.#held.delete(idText(id));
    this.#apps.delete(idText(id));
    this.#reserving?.delete(idText(id));
    this.#deleteForgotten(id);
  }

  /** True while `app` is the object of its app; false once it was forgotten. */
  isKnown(app: LiveApp): boolean {
    return this.#apps.get(idText(app.id)) === app;
  }

  /** Stores another installed release, for the app and for its request. */
  #storeRelease(
    app: LiveApp,
    { version, releaseKey, dockerCompose }: Release & { dockerCompose: Dict | null },
  ): void {
    writeAppState(this.#database, rowOf({ ...app, version, releaseKey }), { now: this.#clock.wall() });
    const request = this.request(app.id);
    if (request === undefined) return;
    const release = { version, presentVersion: version, releaseKey, dockerCompose };
    this.#replaceRequest({ ...request, ...release }, app.state);
  }

  #noteRules({ appKey, stage, ports }: AppRequest): void {
    const id = { appKey, stage };
    if (ports.some(({ reservedHostPort }) => reservedHostPort > 0)) {
      this.#reserving?.set(idText(id), { id, rules: ports });
    } else this.#reserving?.delete(idText(id));
  }

  /** A held request stays held until all of its app is stored. */
  #replaceRequest(request: AppRequest, state: AppState): void {
    writeRequest(this.#database, request, { state, now: this.#clock.wall() });
    if (this.#held.has(idText(request))) this.#held.set(idText(request), request);
  }

  /** The app of a request, known or not, and what the request changes of it. */
  #wantedBy(request: AppRequest): {
    app: LiveApp;
    wanted: Pick<LiveApp, "target" | "appName" | "requestorAccountKey" | "former">;
  } {
    const target = stableTarget(request.target);
    const app = this.find(request) ?? appFromRequest(request, target);
    const requestorAccountKey = request.requestorAccountKey || app.requestorAccountKey;
    const { appName } = request;
    const isRenamed = appName.toLowerCase() !== app.appName.toLowerCase() && !isGone(app.state);
    return { app, wanted: { target, appName, requestorAccountKey, ...(isRenamed ? { former: "inUse" } : {}) } };
  }

  /**
   * An agent before may have ended between another release of a compose app, new or old, and the end of the start of
   * its project.
   */
  #load(stored: StoredApp): LiveApp {
    const app = appFromRow(stored);
    const mayDiffer = isTransient(app.state) || this.updates.isUnderWay(app.id);
    if (!mayDiffer || this.request(app.id)?.dockerCompose === null) return app;
    return { ...app, isUnsettled: true };
  }

  #deleteForgotten(id: AppId): void {
    this.#deleteRows(id);
    this.#forgotten.delete(idText(id));
  }

  /** Deletes what a forgotten app has left in the database. */
  #deleteRows(id: AppId): void {
    if (this.#forgotten.has(idText(id))) deleteApp(this.#database, id);
  }

  #remember(app: LiveApp): LiveApp {
    this.#forgotten.delete(idText(app.id));
    this.#apps.set(idText(app.id), app);
    return app;
  }
}
