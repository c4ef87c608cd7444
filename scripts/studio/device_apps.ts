/** The apps of devices: the desired state, and the state that the device has reported. */

import { type AppState, isAppState, isStage, type Stage, type UpdateStatus } from "../../lib/model/app.ts";
import { type Dict, isDict } from "../../lib/base/json.ts";
import type { Device } from "./devices.ts";
import type { Release } from "./releases.ts";
import { jsonColumn, numberColumn, type Store, type StoredRow, textColumn } from "./store.ts";

/** An app of a device. */
export interface DeviceApp {
  appKey: number;
  appName: string;
  stage: Stage;
  /** The desired state. */
  target: AppState;
  /** The state that the device reported last. */
  current: AppState;
  updateStatus: UpdateStatus;
  presentVersion: string;
  newestVersion: string;
  releaseKey: number;
  newReleaseKey: number;
  requestUpdate: boolean;
  requestorAccountKey: number;
  /** `{NAME: {value}}`. */
  environment: Dict;
  /** `{NAME: {defaultValue}}`. */
  environmentTemplate: Dict;
  /** Port rules in their wire form. */
  ports: Dict[];
  dockerCompose: Dict | null;
  newDockerCompose: Dict | null;
  instanceKey: number;
  appCredEpoch: number;
}

/** The members of a release that an app takes over when it is installed. */
export type InstalledRelease = Pick<Release, "version" | "releaseKey" | "dockerCompose" | "environmentTemplate">;

/** The members of a state report that change an app. */
export interface ReportedState {
  state: AppState;
  releaseKey: number;
  updateStatus: UpdateStatus;
}

const columns = [
  "stage",
  "target_state",
  "current_state",
  "update_status",
  "present_version",
  "newest_version",
  "release_key",
  "new_release_key",
  "request_update",
  "requestor_account_key",
  "environment",
  "environment_template",
  "ports",
  "docker_compose",
  "new_docker_compose",
  "instance_key",
  "app_cred_epoch",
];

/** Lists the apps of a device. */
export function listDeviceApps(store: Store, deviceKey: number): DeviceApp[] {
  const text = "SELECT * FROM device_apps JOIN apps USING (app_key) WHERE device_key = ? ORDER BY app_key, stage";
  return store.all(text, deviceKey).map(toDeviceApp);
}

/** Finds one app of a device. */
export function findDeviceApp(
  store: Store,
  deviceKey: number,
  { appKey, stage }: { appKey: number; stage: Stage },
): DeviceApp | undefined {
  return listDeviceApps(store, deviceKey).find((app) => app.appKey === appKey && app.stage === stage);
}

/** Stores an app of a device. */
export function saveDeviceApp(store: Store, { deviceKey, app }: { deviceKey: number; app: DeviceApp }): void {
  const places = columns.map(() => "?").join(", ");
  store.run(
    `INSERT OR REPLACE INTO device_apps (device_key, app_key, ${columns.join(", ")}) VALUES (?, ?, ${places})`,
    deviceKey,
    app.appKey,
    app.stage,
    app.target,
    app.current,
    app.updateStatus,
    app.presentVersion,
    app.newestVersion,
    app.releaseKey,
    app.newReleaseKey,
    Number(app.requestUpdate),
    app.requestorAccountKey,
    JSON.stringify(app.environment),
    JSON.stringify(app.environmentTemplate),
    JSON.stringify(app.ports),
    JSON.stringify(app.dockerCompose),
    JSON.stringify(app.newDockerCompose),
    app.instanceKey,
    app.appCredEpoch,
  );
}

/**
 * The app after a state report. The release that the report names is the installed one, whatever was requested: a
 * completed update brings the newer one, a rolled back update the one before. `named` is that release, undefined when
 * it is unknown. An update stays requested until its release is installed; after a rollback it must be requested
 * again. Pure.
 */
export function applyReport(
  app: DeviceApp,
  report: ReportedState,
  { named }: { named: InstalledRelease | undefined },
): DeviceApp {
  const reported = { ...app, current: report.state, updateStatus: report.updateStatus };
  // A removed app has no installed release, and the next install does not depend on the former one.
  const isGone = report.state === "REMOVED" || report.state === "UNINSTALLED";
  if (named === undefined || named.releaseKey === app.releaseKey || isGone) return reported;
  return {
    ...reported,
    presentVersion: named.version,
    releaseKey: named.releaseKey,
    dockerCompose: named.dockerCompose,
    environmentTemplate: named.environmentTemplate,
    requestUpdate: app.requestUpdate && named.releaseKey !== app.newReleaseKey,
  };
}

/** The app as a row of `get_requested_app_states`, including members that devices do not use. Pure. */
export function encodeRow(app: DeviceApp, device: Device): Dict {
  const containerName = `${app.stage}_${app.appKey}_${app.appName}`.toLowerCase();
  return {
    app_key: app.appKey,
    app_name: app.appName,
    stage: app.stage,
    current_state: app.current,
    target_state: app.target,
    release_key: app.releaseKey,
    new_release_key: app.newReleaseKey,
    requestor_account_key: app.requestorAccountKey,
    device_owner_account_key: device.ownerAccountKey,
    request_update: app.requestUpdate,
    present_version: app.presentVersion,
    newest_version: app.newestVersion,
    environment: app.environment,
    environment_template: app.environmentTemplate,
    docker_compose: app.dockerCompose,
    new_docker_compose: app.newDockerCompose,
    ports: app.ports,
    app_cred_epoch: app.appCredEpoch,
    device_key: device.deviceKey,
    swarm_key: device.swarmKey,
    account_key: device.ownerAccountKey,
    device_to_app_key: app.appKey,
    serial_number: device.serial,
    name: device.name,
    status: device.status,
    architecture: isDict(device.metadata) ? device.metadata.architecture : "",
    address: "",
    container_name: containerName,
    manually_requested_state: app.target,
    present_image_name: "",
    new_image_name: "",
    description: "",
    inherit_from_group: false,
  };
}

/** False for an app that is uninstalled and stays so: devices no longer need to know about it. Pure. */
export function isWanted(app: DeviceApp): boolean {
  return app.target !== "UNINSTALLED" || app.current !== "UNINSTALLED";
}

function toDeviceApp(row: StoredRow): DeviceApp {
  const stage = textColumn(row, "stage");
  const dict = (name: string) => {
    const value = jsonColumn(row, name);
    return isDict(value) ? value : undefined;
  };
  const ports = jsonColumn(row, "ports");
  return {
    appKey: numberColumn(row, "app_key"),
    appName: textColumn(row, "name"),
    stage: isStage(stage) ? stage : "PROD",
    target: stateOf(row, "target_state"),
    current: stateOf(row, "current_state"),
    updateStatus: readUpdateStatus(row.update_status) ?? "",
    presentVersion: textColumn(row, "present_version"),
    newestVersion: textColumn(row, "newest_version"),
    releaseKey: numberColumn(row, "release_key"),
    newReleaseKey: numberColumn(row, "new_release_key"),
    requestUpdate: numberColumn(row, "request_update") === 1,
    requestorAccountKey: numberColumn(row, "requestor_account_key"),
    environment: dict("environment") ?? {},
    environmentTemplate: dict("environment_template") ?? {},
    ports: Array.isArray(ports) ? ports.filter(isDict) : [],
    dockerCompose: dict("docker_compose") ?? null,
    newDockerCompose: dict("new_docker_compose") ?? null,
    instanceKey: numberColumn(row, "instance_key"),
    appCredEpoch: numberColumn(row, "app_cred_epoch"),
  };
}

/** The value as an update status; undefined when it is none. */
export function readUpdateStatus(value: unknown): UpdateStatus | undefined {
  const known: readonly UpdateStatus[] = ["", "pending_remote_confirmation", "completed", "canceled"];
  return known.find((status) => status === value);
}

function stateOf(row: StoredRow, name: string): AppState {
  const value = row[name];
  return isAppState(value) ? value : "REMOVED";
}
