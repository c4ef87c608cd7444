/** The procedures of the Studio backend that devices call: what each takes, keeps and answers. */

import { isAppState, isStage } from "../../lib/model/app.ts";
import { AgentError } from "../../lib/base/errors.ts";
import { decodePortRules } from "../../lib/model/port_rule.ts";
import { backendProcedures as uris } from "../../lib/backend/uris.ts";
import type { Invocation, Reply } from "../../lib/wamp/invocations.ts";
import { findAccount, holds, isPrivilege } from "./accounts.ts";
import {
  applyReport,
  encodeRow,
  findDeviceApp,
  isWanted,
  listDeviceApps,
  readUpdateStatus,
  saveDeviceApp,
} from "./device_apps.ts";
import { type Device, deviceByAuthid, deviceByKey, saveMetadata, saveStatus } from "./devices.ts";
import { exposePort } from "./exposed_ports.ts";
import { Fields } from "./fields.ts";
import { mintRegistryToken } from "./logins.ts";
import { findRelease } from "./releases.ts";
import type { Report } from "./reports.ts";
import { numberColumn, type Store, textColumn } from "./store.ts";

/** What the procedures work on. */
export interface ProcedureDeps {
  store: Store;
  /** Every state report, after it was kept. */
  onReport(report: Report): void;
  /** Something else about a device has changed. */
  onChange(): void;
}

/** Answers a call, or throws; what is thrown is answered as `wamp.error.canceled`. */
export type DeviceProcedure = (desk: ProcedureDeps, call: Pick<Invocation, "args" | "callerAuthid">) => Reply;

/** The authid that may speak for every device. */
export const systemAuthid = "system";

const statNames = [
  "cpu_count",
  "cpu_usage",
  "memory_total",
  "memory_used",
  "memory_available",
  "storage_total",
  "storage_used",
  "storage_free",
  "docker_apps_total",
  "docker_apps_used",
  "docker_apps_free",
];

/** All of them by URI. */
export const deviceProcedures: Readonly<Record<string, DeviceProcedure>> = {
  [uris.readDeviceMetadata]: (desk, call) => {
    const device = callingDevice(desk, call, new Fields("read_device_metadata", call.args));
    const { name, swarmName, ownerName, swarmKey } = device;
    return { args: [{ device_name: name, swarm_name: swarmName, ownername: ownerName, swarm_key: swarmKey }] };
  },
  [uris.getAppCredKey]: (desk, call) => {
    if (call.args.length > 0) throw new AgentError("bad_request", "get_app_cred_key takes no arguments");
    return { args: [requireDevice(desk, call).appCredKey] };
  },
  [uris.updateDeviceStatus]: updateDeviceStatus,
  [uris.updateDeviceArchitecture]: (desk, call) => {
    const fields = new Fields("update_device_architecture", call.args);
    const device = deviceOfSwarm(desk, call, fields);
    const names = ["architecture", "os", "arch", "variant", "agent_version"];
    saveMetadata(desk.store, device.deviceKey, Object.fromEntries(names.map((name) => [name, fields.text(name)])));
    desk.onChange();
    return {};
  },
  [uris.checkPrivilege]: (desk, call) => {
    const fields = new Fields("check_privilege", call.args);
    const privilege = fields.known("privilege", isPrivilege, "READ, NETWORK, MAINTAIN or DEVELOP");
    if (fields.text("entity") !== "DEVICE") fields.refuse("entity", '"DEVICE"');
    const { deviceKey } = deviceOfSwarm(desk, call, fields, "entity_key");
    return { args: [holds(desk.store, fields.count("requestor_account_key"), { deviceKey, privilege })] };
  },
  [uris.getRequestedAppStates]: (desk, call) => {
    const device = callingDevice(desk, call, new Fields("get_requested_app_states", call.args));
    const apps = listDeviceApps(desk.store, device.deviceKey).filter(isWanted);
    return { args: [apps.map((app) => encodeRow(app, device))] };
  },
  [uris.getRegistryToken]: (desk, call) => {
    const { accountKey } = findAccount(desk.store, new Fields("get_registry_token", call.args).count("callerID"));
    return { args: [mintRegistryToken(desk.store, { accountKey, deviceKey: requireDevice(desk, call).deviceKey })] };
  },
  [uris.updateAppOnDevice]: (desk, call) => {
    const fields = new Fields("update_app_on_device", call.args);
    return fields.has("state") ? reportState(desk, call, fields) : savePorts(desk, call, fields);
  },
  [uris.exposePort]: (desk, call) => {
    const fields = new Fields("expose_port", call.args);
    const isProtocol = (value: unknown): value is "tcp" | "udp" => value === "tcp" || value === "udp";
    const protocol = fields.known("protocol", isProtocol, "tcp or udp");
    const port = fields.count("port");
    if (port > 65_535) fields.refuse("port", "a port number");
    const { deviceKey } = requireDevice(desk, call);
    return { args: [{ remote_port: exposePort(desk.store, deviceKey, { port, protocol }) }] };
  },
  [uris.runRegistryGc]: () => ({ args: [{}] }),
};

type Call = Parameters<DeviceProcedure>[1];

function updateDeviceStatus(desk: ProcedureDeps, call: Call): Reply {
  const fields = new Fields("update_device_status", call.args);
  const device = deviceOfSwarm(desk, call, fields);
  const isStatus = (value: unknown): value is string =>
    typeof value === "string" && ["CONNECTED", "CONFIGURING", "EMERGENCY"].includes(value);
  const stats = fields.dict("stats");
  const areStats = statNames.every((name) => Number.isFinite(stats[name])) &&
    typeof stats.docker_apps_mounted === "boolean";
  if (!areStats) fields.refuse("stats", `an object with the numbers ${statNames.join(", ")} and docker_apps_mounted`);
  saveStatus(desk.store, device.deviceKey, {
    status: fields.known("status", isStatus, "CONNECTED, CONFIGURING or EMERGENCY"),
    sessionId: fields.count("wamp_session_id"),
    stats,
    tunnelCapable: fields.maybe("tunnel_capable", (name) => fields.flag(name)),
  });
  desk.onChange();
  return { args: [{ reswarmBaseURL: device.baseUrl }] };
}

function reportState(desk: ProcedureDeps, call: Call, fields: Fields): Reply {
  const device = deviceOfSwarm(desk, call, fields);
  if (fields.text("serial_number") !== device.serial) fields.refuse("serial_number", `"${device.serial}"`);
  const appKey = fields.count("app_key");
  const stage = fields.known("stage", isStage, "DEV or PROD");
  const isUpdateStatus = (value: unknown): value is Report["updateStatus"] => readUpdateStatus(value) !== undefined;
  const report: Report = {
    at: new Date().toISOString(),
    deviceKey: device.deviceKey,
    serial: device.serial,
    appKey,
    appName: textColumn(desk.store.first("SELECT name FROM apps WHERE app_key = ?", appKey), "name"),
    stage,
    state: fields.known("state", isAppState, "a state of an app"),
    releaseKey: fields.count("release_key"),
    requestorAccountKey: fields.count("requestor_account_key"),
    requestUpdate: fields.flag("request_update"),
    releaseBuild: fields.flag("release_build"),
    updateStatus: fields.known("updateStatus", isUpdateStatus, "an update status"),
  };
  if (fields.count("device_to_app_key") !== 0) fields.refuse("device_to_app_key", "0");
  // An app that nobody asked for is heard, but not kept: the device is to forget it when it asks the next time.
  const app = findDeviceApp(desk.store, device.deviceKey, { appKey, stage });
  const named = findRelease(desk.store, appKey, report.releaseKey);
  if (app !== undefined) saveDeviceApp(desk.store, device.deviceKey, applyReport(app, report, { named }));
  desk.onReport(report);
  return {};
}

function savePorts(desk: ProcedureDeps, call: Call, fields: Fields): Reply {
  const { deviceKey } = deviceOfSwarm(desk, call, fields);
  const stage = fields.known("stage", isStage, "DEV or PROD");
  const ports = fields.dicts("ports");
  const [problem] = decodePortRules(ports).problems;
  if (problem !== undefined) throw new AgentError("bad_request", `Cannot read update_app_on_device: ${problem}`);
  const app = findDeviceApp(desk.store, deviceKey, { appKey: fields.count("app_key"), stage });
  if (app === undefined) fields.refuse("app_key", "the key of an app of this device");
  saveDeviceApp(desk.store, deviceKey, { ...app, ports });
  desk.onChange();
  return {};
}

/** The device that a call is about, named by `keyName`. Devices may speak for themselves only. */
function callingDevice(desk: ProcedureDeps, call: Call, fields: Fields, keyName = "device_key"): Device {
  const device = deviceByKey(desk.store, fields.count(keyName));
  if (call.callerAuthid === systemAuthid) return device;
  if (requireDevice(desk, call).deviceKey !== device.deviceKey) {
    throw new AgentError("denied", `${call.callerAuthid} is not the device ${device.deviceKey}`);
  }
  return device;
}

/** Like `callingDevice`; the call must name the device's project as well, or it would write to a place that is gone. */
function deviceOfSwarm(desk: ProcedureDeps, call: Call, fields: Fields, keyName?: string): Device {
  const device = callingDevice(desk, call, fields, keyName);
  if (fields.count("swarm_key") !== device.swarmKey) fields.refuse("swarm_key", String(device.swarmKey));
  return device;
}

function requireDevice(desk: ProcedureDeps, call: Call): Device {
  const device = deviceByAuthid(desk.store, call.callerAuthid);
  if (device === undefined) throw new AgentError("denied", `"${call.callerAuthid ?? ""}" is not a device`);
  return device;
}

/** The device and session that a testament names; undefined when it cannot be read. */
export function readTestament(args: readonly unknown[]): { deviceKey: number; sessionId: number } | undefined {
  const value: unknown = args[0];
  if (typeof value !== "object" || value === null) return undefined;
  const dict = { ...value };
  const [deviceKey, sessionId] = [numberColumn(dict, "device_key"), numberColumn(dict, "wamp_session_id")];
  return deviceKey === 0 ? undefined : { deviceKey, sessionId };
}
