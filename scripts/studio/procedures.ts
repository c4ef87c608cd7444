/** The procedures of the Studio's backend that devices call. */

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

/** The collaborators of the procedures. */
export interface ProcedureDeps {
  store: Store;
  /** Called with every state report after it was stored. */
  onReport(report: Report): void;
  /** Called when anything else about a device has changed. */
  onChange(): void;
}

/** Answers a call, or throws an error that is answered as `wamp.error.canceled`. */
export type DeviceProcedure = (deps: ProcedureDeps, call: Pick<Invocation, "args" | "callerAuthid">) => Reply;

/** The authid that may call for every device. */
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

/** All procedures by URI. */
export const deviceProcedures: Readonly<Record<string, DeviceProcedure>> = {
  [uris.readDeviceMetadata]: (deps, call) => {
    const device = callingDevice(deps, call, new Fields("read_device_metadata", call.args));
    const { name, swarmName, ownerName, swarmKey } = device;
    return { args: [{ device_name: name, swarm_name: swarmName, ownername: ownerName, swarm_key: swarmKey }] };
  },
  [uris.getAppCredKey]: (deps, call) => {
    if (call.args.length > 0) throw new AgentError("bad_request", "get_app_cred_key takes no arguments");
    return { args: [requireDevice(deps, call).appCredKey] };
  },
  [uris.updateDeviceStatus]: updateDeviceStatus,
  [uris.updateDeviceArchitecture]: (deps, call) => {
    const fields = new Fields("update_device_architecture", call.args);
    const device = deviceOfSwarm(deps, call, fields);
    const names = ["architecture", "os", "arch", "variant", "agent_version"];
    const metadata = Object.fromEntries(names.map((name) => [name, fields.text(name)]));
    saveMetadata(deps.store, { deviceKey: device.deviceKey, metadata });
    deps.onChange();
    return {};
  },
  [uris.checkPrivilege]: (deps, call) => {
    const fields = new Fields("check_privilege", call.args);
    const privilege = fields.known("privilege", { is: isPrivilege, expected: "READ, NETWORK, MAINTAIN or DEVELOP" });
    if (fields.text("entity") !== "DEVICE") fields.refuse("entity", '"DEVICE"');
    const { deviceKey } = deviceOfSwarm(deps, call, fields, { keyName: "entity_key" });
    return { args: [holds(deps.store, fields.count("requestor_account_key"), { deviceKey, privilege })] };
  },
  [uris.getRequestedAppStates]: (deps, call) => {
    const device = callingDevice(deps, call, new Fields("get_requested_app_states", call.args));
    const apps = listDeviceApps(deps.store, device.deviceKey).filter(isWanted);
    return { args: [apps.map((app) => encodeRow(app, device))] };
  },
  [uris.getRegistryToken]: (deps, call) => {
    const { accountKey } = findAccount(deps.store, new Fields("get_registry_token", call.args).count("callerID"));
    return { args: [mintRegistryToken(deps.store, { accountKey, deviceKey: requireDevice(deps, call).deviceKey })] };
  },
  [uris.updateAppOnDevice]: (deps, call) => {
    const fields = new Fields("update_app_on_device", call.args);
    return fields.has("state") ? reportState(deps, call, fields) : savePorts(deps, call, fields);
  },
  [uris.exposePort]: (deps, call) => {
    const fields = new Fields("expose_port", call.args);
    const isProtocol = (value: unknown): value is "tcp" | "udp" => value === "tcp" || value === "udp";
    const protocol = fields.known("protocol", { is: isProtocol, expected: "tcp or udp" });
    const port = fields.count("port");
    if (port > 65_535) fields.refuse("port", "a port number");
    const isReserved = fields.flag("reserved");
    const { deviceKey } = callingDevice(deps, call, fields);
    return { args: [{ remote_port: exposePort(deps.store, deviceKey, { port, protocol, isReserved }) }] };
  },
  [uris.runRegistryGc]: () => ({ args: [{}] }),
};

type Call = Parameters<DeviceProcedure>[1];

/** The member that has the key of the device; `device_key` by default. */
interface KeyOptions {
  keyName?: string;
}

function updateDeviceStatus(deps: ProcedureDeps, call: Call): Reply {
  const fields = new Fields("update_device_status", call.args);
  const device = deviceOfSwarm(deps, call, fields);
  const isStatus = (value: unknown): value is string =>
    typeof value === "string" && ["CONNECTED", "CONFIGURING", "EMERGENCY"].includes(value);
  const stats = fields.dict("stats");
  const areStats = statNames.every((name) => Number.isFinite(stats[name])) &&
    typeof stats.docker_apps_mounted === "boolean";
  if (!areStats) fields.refuse("stats", `an object with the numbers ${statNames.join(", ")} and docker_apps_mounted`);
  saveStatus(deps.store, device.deviceKey, {
    status: fields.known("status", { is: isStatus, expected: "CONNECTED, CONFIGURING or EMERGENCY" }),
    sessionId: fields.count("wamp_session_id"),
    stats,
    tunnelCapable: fields.maybe("tunnel_capable", (name) => fields.flag(name)),
  });
  deps.onChange();
  return { args: [{ reswarmBaseURL: device.baseUrl }] };
}

function reportState(deps: ProcedureDeps, call: Call, fields: Fields): Reply {
  const device = deviceOfSwarm(deps, call, fields);
  if (fields.text("serial_number") !== device.serial) fields.refuse("serial_number", `"${device.serial}"`);
  const appKey = fields.count("app_key");
  const stage = fields.known("stage", { is: isStage, expected: "DEV or PROD" });
  const isUpdateStatus = (value: unknown): value is Report["updateStatus"] => readUpdateStatus(value) !== undefined;
  const report: Report = {
    at: new Date().toISOString(),
    deviceKey: device.deviceKey,
    serial: device.serial,
    appKey,
    appName: textColumn(deps.store.first("SELECT name FROM apps WHERE app_key = ?", appKey), "name"),
    stage,
    state: fields.known("state", { is: isAppState, expected: "a state of an app" }),
    releaseKey: fields.count("release_key"),
    requestorAccountKey: fields.count("requestor_account_key"),
    requestUpdate: fields.flag("request_update"),
    releaseBuild: fields.flag("release_build"),
    updateStatus: fields.known("updateStatus", { is: isUpdateStatus, expected: "an update status" }),
  };
  if (fields.count("device_to_app_key") !== 0) fields.refuse("device_to_app_key", "0");
  // The report of an unknown app is passed on, but not stored: the device removes the app at the next reconcile.
  const app = findDeviceApp(deps.store, device.deviceKey, { appKey, stage });
  const named = findRelease(deps.store, { appKey, releaseKey: report.releaseKey });
  if (app !== undefined) {
    saveDeviceApp(deps.store, { deviceKey: device.deviceKey, app: applyReport(app, report, { named }) });
  }
  deps.onReport(report);
  return {};
}

function savePorts(deps: ProcedureDeps, call: Call, fields: Fields): Reply {
  const { deviceKey } = deviceOfSwarm(deps, call, fields);
  const stage = fields.known("stage", { is: isStage, expected: "DEV or PROD" });
  const ports = fields.dicts("ports");
  const [problem] = decodePortRules(ports).problems;
  if (problem !== undefined) throw new AgentError("bad_request", `Cannot read update_app_on_device: ${problem}`);
  const app = findDeviceApp(deps.store, deviceKey, { appKey: fields.count("app_key"), stage });
  if (app === undefined) fields.refuse("app_key", "the key of an app of this device");
  saveDeviceApp(deps.store, { deviceKey, app: { ...app, ports } });
  deps.onChange();
  return {};
}

/** The device that the member `keyName` names. Devices may only call for themselves. */
function callingDevice(deps: ProcedureDeps, call: Call, fields: Fields, options: KeyOptions = {}): Device {
  const { keyName = "device_key" } = options;
  const device = deviceByKey(deps.store, fields.count(keyName));
  if (call.callerAuthid === systemAuthid) return device;
  if (requireDevice(deps, call).deviceKey !== device.deviceKey) {
    throw new AgentError("denied", `${call.callerAuthid} is not the device ${device.deviceKey}`);
  }
  return device;
}

/** Like `callingDevice()`; the call must also name the device's project, or it would write to a former one. */
function deviceOfSwarm(deps: ProcedureDeps, call: Call, fields: Fields, options: KeyOptions = {}): Device {
  const device = callingDevice(deps, call, fields, options);
  if (fields.count("swarm_key") !== device.swarmKey) fields.refuse("swarm_key", String(device.swarmKey));
  return device;
}

function requireDevice(deps: ProcedureDeps, call: Call): Device {
  const device = deviceByAuthid(deps.store, call.callerAuthid);
  if (device === undefined) throw new AgentError("denied", `"${call.callerAuthid ?? ""}" is not a device`);
  return device;
}

/** Reads the device and session of a testament; undefined when it cannot be read. */
export function readTestament(args: readonly unknown[]): { deviceKey: number; sessionId: number } | undefined {
  const value: unknown = args[0];
  if (typeof value !== "object" || value === null) return undefined;
  const dict = { ...value };
  const [deviceKey, sessionId] = [numberColumn(dict, "device_key"), numberColumn(dict, "wamp_session_id")];
  return deviceKey === 0 ? undefined : { deviceKey, sessionId };
}
