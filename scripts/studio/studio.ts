/** The local Studio for programs: adds devices and releases, requests states of apps, and observes devices. */

import type { AppState, Stage } from "../../lib/model/app.ts";
import { AgentError } from "../../lib/base/errors.ts";
import { type Dict, isDict } from "../../lib/base/json.ts";
import type { Privilege } from "../../lib/backend/requests.ts";
import { hasUri } from "../../lib/wamp/remote_error.ts";
import type { CallOptions, CallReply } from "../../lib/wamp/session.ts";
import { deviceUri, logTopic } from "../../lib/backend/uris.ts";
import { errorUris } from "../../lib/wamp/uris.ts";
import { type Account, addAccount, grant, ownerAccountKey, revoke } from "./accounts.ts";
import type { StudioBackend } from "./backend.ts";
import type { RouterLogin } from "./open_session.ts";
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
import { changePort, type PortChange } from "./port_change.ts";
import type { StudioRegistry } from "./registry_process.ts";
import type { Report, Reports } from "./reports.ts";
import type { Router } from "./router/router.ts";
import type { Store } from "./store.ts";
import type { TunnelServer } from "./tunnel_server.ts";
import { sendArchive, type UploadOptions } from "./uploads.ts";
import { applyChange, type DesiredChange, encodeRequest } from "./desired_change.ts";

/** The collaborators of a Studio. */
export interface StudioDeps {
  store: Store;
  reports: Reports;
  /** Undefined when it has joined an existing router. */
  router: Router | undefined;
  /** Undefined when it was started without a registry. */
  registry: StudioRegistry | undefined;
  /** Undefined when it was started without a tunnel server, or when there is none on this machine. */
  tunnels?: TunnelServer | undefined;
  login: RouterLogin;
  registryHost: string;
  backend: StudioBackend;
  /** Disposed together with the Studio. */
  owned: AsyncDisposableStack;
}

/** A device by name or serial number, or as returned by the Studio. */
export type DeviceReference = string | { serial: string };

/** A device as returned by `addDevice()`. */
export interface AddedDevice extends Device {
  /** The content of its .flock file. */
  flock: Dict;
}

/** The outcome of a request. */
export interface RequestOutcome {
  /** The keyword arguments that were sent. */
  kwargs: Dict;
  /** False when the device is not connected; it receives the change when it connects. */
  isDelivered: boolean;
  /** The number of earlier reports: `reports(device).slice(after)` are the later ones. */
  after: number;
}

/** The lines of an app's log, as they arrive. */
export interface FollowedLogs extends AsyncDisposable {
  readonly lines: string[];
}

const waitLimitMs = 20_000;

/** A running Studio. */
export class Studio implements AsyncDisposable {
  readonly #deps: StudioDeps;

  constructor(deps: StudioDeps) {
    this.#deps = deps;
  }

  /** Its own router; undefined when it has joined an existing one. */
  get router(): Router | undefined {
    return this.#deps.router;
  }

  /** Its registry and token server; undefined when it was started without a registry. */
  get registry(): StudioRegistry | undefined {
    return this.#deps.registry;
  }

  /** Its tunnel server, if it has one. */
  get tunnels(): TunnelServer | undefined {
    return this.#deps.tunnels;
  }

  /** The URL for devices. */
  get routerUrl(): string {
    return this.#deps.login.url;
  }

  /** The Studio's own login. Secret. */
  get login(): RouterLogin {
    return this.#deps.login;
  }

  /** The host in the names of images: `127.0.0.1:5002`. */
  get registryHost(): string {
    return this.#deps.registryHost;
  }

  /** Its backend on the router. */
  get backend(): StudioBackend {
    return this.#deps.backend;
  }

  /** Its database. */
  get store(): Store {
    return this.#deps.store;
  }

  /** Adds a device, which may join the Studio's own router at once. */
  addDevice(given: Partial<NewDevice> = {}): AddedDevice {
    const device = addDevice(this.store, { name: `device-${crypto.randomUUID().slice(0, 8)}`, ...given });
    this.#admit(device);
    this.addAccount({ accountKey: device.ownerAccountKey });
    return { ...device, flock: flockOf(device, { routerUrl: this.routerUrl, registryHost: this.registryHost }) };
  }

  /** The current state of a device. */
  device(name: DeviceReference): Device {
    return deviceByName(this.store, typeof name === "string" ? name : name.serial);
  }

  /** Moves a device to another project; the device learns of it when it next connects. */
  moveDevice(name: DeviceReference, change: { swarmKey: number; swarmName?: string }): Device {
    const device = moveDevice(this.store, this.device(name).deviceKey, change);
    this.#admit(device);
    return device;
  }

  /** Adds an account, which may join the Studio's own router. */
  addAccount(given: { accountKey?: number; name?: string } = {}): Account {
    const account = addAccount(this.store, given);
    this.router?.addUser(String(account.accountKey), { secret: account.secret, role: "account" });
    return account;
  }

  /** Gives an account exactly these privileges on a device. */
  setPrivileges(accountKey: number, name: DeviceReference, { privileges }: { privileges: readonly Privilege[] }): void {
    const { deviceKey } = this.device(name);
    revoke(this.store, accountKey, { deviceKey });
    for (const privilege of privileges) grant(this.store, accountKey, { deviceKey, privilege });
  }

  /** Adds a release whose image is in the registry. */
  addRelease(app: string, version: string, parts: ReleaseOptions & { appKey?: number } = {}): Release {
    const { appKey, ...rest } = parts;
    return addRelease(this.store, ensureApp(this.store, app, { appKey }), { version, ...rest });
  }

  /** The apps of a device. */
  apps(name: DeviceReference): DeviceApp[] {
    return listDeviceApps(this.store, this.device(name).deviceKey);
  }

  /** Stores a change and sends it to the device. Throws the error that the device answers; the change stays stored. */
  async request(name: DeviceReference, appName: string, change: DesiredChange): Promise<RequestOutcome> {
    const device = this.device(name);
    const accountKey = change.accountKey ?? ownerAccountKey;
    this.addAccount({ accountKey });
    const app = this.#decide(device, appName, { ...change, accountKey });
    if (change.ports !== undefined) await this.#checkReservations(device, app);
    saveDeviceApp(this.store, { deviceKey: device.deviceKey, app });
    const outcome = { kwargs: { ...encodeRequest(app, device), ...change.kwargs }, after: this.reports(device).length };
    try {
      await this.call(device, "request_app_state", { kwargs: outcome.kwargs });
      return { ...outcome, isDelivered: true };
    } catch (error) {
      if (!hasUri(error, errorUris.noSuchProcedure)) throw error;
      return { ...outcome, isDelivered: false };
    }
  }

  /**
   * Switches the tunnel of a port of an app on or off. Throws `bad_request` for an app that the device does not have.
   */
  async changePort(name: DeviceReference, appName: string, change: PortChange): Promise<RequestOutcome> {
    const known = this.apps(name).find((app) => app.appName === appName && app.stage === "PROD");
    if (known === undefined) throw new AgentError("bad_request", `"${appName}" is not installed`);
    return await this.request(name, appName, { target: known.target, ports: changePort(known.ports, change) });
  }

  /** As the Studio does before it saves a reservation. Throws `bad_request` for one that the device refuses. */
  async #checkReservations(device: Device, app: DeviceApp): Promise<void> {
    for (const { port, protocol, reserved_host_port: hostPort = 0 } of app.ports) {
      if (hostPort === 0) continue;
      const question = { app_key: app.appKey, stage: app.stage, port, protocol, host_port: hostPort };
      try {
        const { args } = await this.call(device, "check_host_port", { args: [question] });
        const [answer] = args;
        if (!isDict(answer) || answer.available === true) continue;
        throw new AgentError("bad_request", `Cannot reserve host port ${hostPort}: ${answer.reason}`);
      } catch (error) {
        // A device that is away checks it when it starts the app.
        if (!hasUri(error, errorUris.noSuchProcedure)) throw error;
      }
    }
  }

  /** Calls a procedure of the device as `system`. Throws `RemoteError` for the device's own errors. */
  async call(
    name: DeviceReference,
    procedure: string,
    { args = [], ...options }: CallOptions & { args?: unknown[] } = {},
  ): Promise<CallReply> {
    return await this.#deps.backend.call(deviceUri(this.device(name).serial, procedure), args, options);
  }

  /** Sends the archive of a DEV app; the app is added if there is none of its name. See `sendArchive()`. */
  async upload(name: DeviceReference, options: Omit<UploadOptions, "app"> & { app: string }): Promise<void> {
    const app = ensureApp(this.store, options.app);
    await sendArchive((args) => this.call(name, "write_data", { args }), { ...options, app });
  }

  /** The reports of a device about its apps, oldest first. */
  reports(name: DeviceReference): readonly Report[] {
    return this.#deps.reports.of(this.device(name).deviceKey);
  }

  /**
   * Waits until `ask` returns a value; it is called after every report, status and change of ports. Throws `timeout`
   * with `what` after `limitMs` (20 s by default).
   */
  async waitFor<T>(what: string, ask: () => T | undefined, { limitMs = waitLimitMs } = {}): Promise<T> {
    return await this.#deps.reports.until(what, ask, { limitMs });
  }

  /** Waits for a report with the given state and members, after the first `after` ones. */
  async waitForReport(
    name: DeviceReference,
    wanted: Partial<Report> & { state: AppState },
    { after = 0, limitMs = waitLimitMs }: { after?: number; limitMs?: number } = {},
  ): Promise<Report> {
    return await this.#deps.reports.untilReport(this.device(name).deviceKey, wanted, { after, limitMs });
  }

  /** Waits until the device has a status. */
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
    const subscription = await this.#deps.backend.subscribe(topic, ({ args }) => {
      for (const line of linesOf(args)) {
        lines.push(line);
        options.onLine?.(line);
      }
    });
    return { lines, [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose]() };
  }

  /** Stops everything that was started with it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#deps.owned[Symbol.asyncDispose]();
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
      named: change.version === undefined ? undefined : releaseOf(this.store, { app, version: change.version }),
      accountKey: change.accountKey,
    });
  }
}
