/** The local Studio as programs use it: add devices, note releases, ask for states of apps, watch what devices say. */

import type { AppState, Stage } from "../../lib/model/app.ts";
import type { Dict } from "../../lib/base/json.ts";
import type { Privilege } from "../../lib/backend/requests.ts";
import { hasUri } from "../../lib/wamp/remote_error.ts";
import type { CallOptions, CallReply } from "../../lib/wamp/session.ts";
import { deviceUri, logTopic } from "../../lib/backend/uris.ts";
import { errorUris } from "../../lib/wamp/uris.ts";
import { type Account, addAccount, grant, ownerAccountKey, revoke } from "./accounts.ts";
import type { StudioBackend } from "./backend.ts";
import type { RouterLogin } from "./connection.ts";
import { type DeviceApp, findDeviceApp, listDeviceApps, saveDeviceApp } from "./device_apps.ts";
import { addDevice, type Device, deviceByName, flockOf, moveDevice, type NewDevice } from "./devices.ts";
import { channelOf, linesOf } from "./log_events.ts";
import {
  addRelease,
  appByName,
  ensureApp,
  newestRelease,
  type Release,
  releaseOf,
  type ReleaseOptions,
} from "./releases.ts";
import type { StudioRegistry } from "./registry_process.ts";
import type { Report, Reports } from "./reports.ts";
import type { Router } from "./router/router.ts";
import type { Store } from "./store.ts";
import { applyChange, type DesiredChange, encodeRequest } from "./desired_change.ts";

/** The parts of a Studio. */
export interface StudioDeps {
  store: Store;
  reports: Reports;
  /** Undefined when it has joined somebody else's. */
  router: Router | undefined;
  /** Undefined when it was started without. */
  registry: StudioRegistry | undefined;
  login: RouterLogin;
  registryHost: string;
  backend: StudioBackend;
  /** What ends with the Studio. */
  owned: AsyncDisposableStack;
}

/** A device by its name or serial number, or as the Studio gave it. */
export type DeviceReference = string | { serial: string };

/** A device as `addDevice` gives it. */
export interface AddedDevice extends Device {
  /** What its .flock file holds. */
  flock: Dict;
}

/** What became of a change. */
export interface RequestOutcome {
  /** The keyword arguments as they were sent. */
  kwargs: Dict;
  /** False when the device is not connected; it learns of the change when it connects. */
  isDelivered: boolean;
  /** How many reports the device had sent before: `reports(device).slice(after)` are those that came since. */
  after: number;
}

/** Lines of an app's log, as they come. */
export interface FollowedLogs extends AsyncDisposable {
  readonly lines: string[];
}

const waitLimitMs = 20_000;

/** A running Studio. */
export class Studio implements AsyncDisposable {
  readonly #parts: StudioDeps;

  constructor(parts: StudioDeps) {
    this.#parts = parts;
  }

  /** Its own router; undefined when it has joined somebody else's. */
  get router(): Router | undefined {
    return this.#parts.router;
  }

  /** Its registry and token server; undefined when it was started without. */
  get registry(): StudioRegistry | undefined {
    return this.#parts.registry;
  }

  /** Where devices connect. */
  get routerUrl(): string {
    return this.#parts.login.url;
  }

  /** How the Studio itself logs in. Secret. */
  get login(): RouterLogin {
    return this.#parts.login;
  }

  /** How images are named that devices pull: `127.0.0.1:5002`. */
  get registryHost(): string {
    return this.#parts.registryHost;
  }

  /** Its session at the router. */
  get backend(): StudioBackend {
    return this.#parts.backend;
  }

  /** All that it remembers. */
  get store(): Store {
    return this.#parts.store;
  }

  /** Makes a device and lets it join the Studio's own router at once. */
  addDevice(given: Partial<NewDevice> = {}): AddedDevice {
    const device = addDevice(this.store, { name: `device-${crypto.randomUUID().slice(0, 8)}`, ...given });
    this.#admit(device);
    this.addAccount({ accountKey: device.ownerAccountKey });
    return { ...device, flock: flockOf(device, { routerUrl: this.routerUrl, registryHost: this.registryHost }) };
  }

  /** A device as it is now. */
  device(name: DeviceReference): Device {
    return deviceByName(this.store, typeof name === "string" ? name : name.serial);
  }

  /** Moves a device to another project; it learns that when it connects the next time. */
  moveDevice(name: DeviceReference, change: { swarmKey: number; swarmName?: string }): Device {
    const device = moveDevice(this.store, this.device(name).deviceKey, change);
    this.#admit(device);
    return device;
  }

  /** Makes an account that may join the Studio's own router. */
  addAccount(given: { accountKey?: number; name?: string } = {}): Account {
    const account = addAccount(this.store, given);
    this.router?.addUser(String(account.accountKey), { secret: account.secret, role: "account" });
    return account;
  }

  /** Gives an account exactly these privileges on a device. */
  setPrivileges(accountKey: number, name: DeviceReference, { privileges }: { privileges: readonly Privilege[] }): void {
    const { deviceKey } = this.device(name);
    revoke(this.store, accountKey, deviceKey);
    for (const privilege of privileges) grant(this.store, accountKey, { deviceKey, privilege });
  }

  /** Notes that a version of an app is in the registry. */
  addRelease(app: string, version: string, parts: ReleaseOptions & { appKey?: number } = {}): Release {
    const { appKey, ...rest } = parts;
    return addRelease(this.store, ensureApp(this.store, app, appKey), { version, ...rest });
  }

  /** The apps of a device. */
  apps(name: DeviceReference): DeviceApp[] {
    return listDeviceApps(this.store, this.device(name).deviceKey);
  }

  /** Keeps a change and tells the device. Throws what the device answers, with the change kept. */
  async request(name: DeviceReference, appName: string, change: DesiredChange): Promise<RequestOutcome> {
    const device = this.device(name);
    const accountKey = change.accountKey ?? ownerAccountKey;
    this.addAccount({ accountKey });
    const app = this.#decide(device, appName, { ...change, accountKey });
    saveDeviceApp(this.store, device.deviceKey, app);
    const outcome = { kwargs: { ...encodeRequest(app, device), ...change.kwargs }, after: this.reports(device).length };
    try {
      await this.call(device, "request_app_state", [], { kwargs: outcome.kwargs });
      return { ...outcome, isDelivered: true };
    } catch (error) {
      if (!hasUri(error, errorUris.noSuchProcedure)) throw error;
      return { ...outcome, isDelivered: false };
    }
  }

  /** Calls a procedure of the device as `system`. Throws `RemoteError` for the device's own errors. */
  async call(
    name: DeviceReference,
    procedure: string,
    args: unknown[] = [],
    options: CallOptions = {},
  ): Promise<CallReply> {
    return await this.#parts.backend.call(deviceUri(this.device(name).serial, procedure), args, options);
  }

  /** All that a device has said about its apps, oldest first. */
  reports(name: DeviceReference): readonly Report[] {
    return this.#parts.reports.of(this.device(name).deviceKey);
  }

  /**
   * Waits until `ask` has an answer; it is asked after every report, status and change of ports. Throws `timeout` with `what`
   * after `limitMs` (20 s when absent).
   */
  async waitFor<T>(what: string, ask: () => T | undefined, { limitMs = waitLimitMs } = {}): Promise<T> {
    return await this.#parts.reports.until(what, ask, limitMs);
  }

  /** Waits for a report with this state (and what else is named) among those that came after the first `after`. */
  async waitForReport(
    name: DeviceReference,
    wanted: Partial<Report> & { state: AppState },
    { after = 0, limitMs = waitLimitMs }: { after?: number; limitMs?: number } = {},
  ): Promise<Report> {
    return await this.#parts.reports.untilReport(this.device(name).deviceKey, wanted, { after, limitMs });
  }

  /** Waits until the device's status is this. */
  async waitForStatus(name: DeviceReference, status: string, options: { limitMs?: number } = {}): Promise<Device> {
    const ask = () => this.device(name).status === status ? this.device(name) : undefined;
    return await this.waitFor(`the device is ${status}`, ask, options);
  }

  /** Follows the log of an app from now on. */
  async followLogs(
    name: DeviceReference,
    appName: string,
    options: { stage?: Stage; onLine?: (line: string) => void } = {},
  ): Promise<FollowedLogs> {
    const { appKey } = appByName(this.store, appName);
    const topic = logTopic(this.device(name).serial, channelOf({ appKey, appName, stage: options.stage ?? "PROD" }));
    const lines: string[] = [];
    const subscription = await this.#parts.backend.subscribe(topic, ({ args }) => {
      for (const line of linesOf(args)) {
        lines.push(line);
        options.onLine?.(line);
      }
    });
    return { lines, [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose]() };
  }

  /** Ends all that was started with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.owned[Symbol.asyncDispose]();
  }

  #admit({ authid, secret }: Device): void {
    this.router?.addUser(authid, { secret, role: "device" });
  }

  #decide(device: Device, appName: string, change: DesiredChange & { accountKey: number }): DeviceApp {
    const app = appByName(this.store, appName);
    const stage = change.stage ?? "PROD";
    const empty = { releaseKey: 0, appKey: app.appKey, version: "", dockerCompose: null, environmentTemplate: {} };
    return applyChange(change, {
      app,
      known: findDeviceApp(this.store, device.deviceKey, { appKey: app.appKey, stage }),
      newest: stage === "DEV" ? empty : newestRelease(this.store, app),
      named: change.version === undefined ? undefined : releaseOf(this.store, app, change.version),
      accountKey: change.accountKey,
    });
  }
}
