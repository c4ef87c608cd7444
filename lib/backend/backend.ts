/**
 * The procedures of the Studio backend that the agent calls: their URIs, the shapes they take and give. The only place
 * that spells their members.
 */

import type { AppId, AppState, PortRule, UpdateStatus } from "../model/app.ts";
import { AgentError } from "../base/errors.ts";
import { encodePortRule } from "../model/port_rule.ts";
import { type Dict, isCount, isDict, readCount, show } from "../base/json.ts";
import { backendProcedures } from "./uris.ts";
import { routerProcedures } from "../wamp/uris.ts";
import type { Wire } from "../wamp/wire.ts";

/** Who the device is at the moment of a call. */
export interface BackendIdentity {
  deviceKey: number;
  swarmKey: number;
  serialNumber: string;
}

/** What Studio knows about the device. Names that it did not send are absent. */
export interface DeviceMetadata {
  name?: string;
  swarmName?: string;
  swarmOwnerName?: string;
  swarmKey: number;
}

/** What a device can say about itself; `DISCONNECTED` is for others to say. */
export type DeviceStatus = "CONNECTED" | "CONFIGURING" | "EMERGENCY";

/** One status report. `stats` are the figures of the device under their wire names; an absent `tunnelCapable` is left out. */
export interface StatusReport {
  status: DeviceStatus;
  stats: object;
  tunnelCapable?: boolean;
}

/** What the device runs on. */
export interface DeviceArchitecture {
  /** For example `arm`. */
  arch: string;
  /** For example `v7`, or empty. */
  variant: string;
  /** The detailed text, for example `linux debian 13.3 6.1.0-28-amd64`. */
  os: string;
  agentVersion: string;
}

/** What a protected procedure needs. */
export type Privilege = "READ" | "NETWORK" | "MAINTAIN" | "DEVELOP";

/** The state of one app, as told to Studio. */
export interface AppReport {
  id: AppId;
  state: AppState;
  requestorAccountKey: number;
  releaseKey: number;
  requestUpdate: boolean;
  /** True for builds that are made to be published. */
  releaseBuild: boolean;
  updateStatus: UpdateStatus;
}

/**
 * The backend. Every method throws `not_connected`, `timeout`, `canceled`, or `RemoteError` with the text
 * `calling remote procedure '<uri>': <error uri>…`; methods that read an answer also `bad_request` for one they cannot
 * read.
 */
export interface Backend {
  readDeviceMetadata(signal?: AbortSignal): Promise<DeviceMetadata>;
  /** The key that app credentials are derived from. Secret. */
  getAppCredKey(signal?: AbortSignal): Promise<string>;
  /** `baseUrl` is Studio's address for app environments; absent when the answer has none. */
  updateDeviceStatus(report: StatusReport, signal?: AbortSignal): Promise<{ baseUrl?: string }>;
  updateDeviceArchitecture(facts: DeviceArchitecture, signal?: AbortSignal): Promise<void>;
  /** True when `requestor` (an account key) holds the privilege. Throws `privilege_check_failed` for an answer that is no boolean. */
  checkPrivilege(question: { privilege: Privilege; requestor: number }, signal?: AbortSignal): Promise<boolean>;
  /** The rows of all apps. Throws when the answer holds no list: that is a failed fetch, never "no apps". */
  getRequestedAppStates(signal?: AbortSignal): Promise<unknown[]>;
  /** A login for the registry on behalf of an account; empty when there is none. Secret. */
  getRegistryToken(callerId: number, signal?: AbortSignal): Promise<string>;
  reportAppState(report: AppReport, signal?: AbortSignal): Promise<void>;
  /** `others` are entries that are not ours to read, saved back as they came. */
  savePorts(
    saved: { id: AppId; ports: readonly PortRule[]; others: readonly unknown[] },
    signal?: AbortSignal,
  ): Promise<void>;
  /** Lets the registry of an appliance collect its garbage, and gives what it tells about that. */
  runRegistryGc(signal?: AbortSignal): Promise<Dict | undefined>;
  /** Ids of the subscriptions that a topic has now. */
  matchSubscription(topic: string, signal?: AbortSignal): Promise<number[]>;
}

const statusTimeoutMs = 10_000;
const privilegeTimeoutMs = 10_000;
const portsTimeoutMs = 5_000;
const registryGcTimeoutMs = 300_000;

/** The backend behind a wire. `identity` is read for every call, because a device can be moved to another project. */
export function createBackend(wire: Wire, identity: () => BackendIdentity): Backend {
  const uris = backendProcedures;
  return {
    async readDeviceMetadata(signal) {
      const args = [{ device_key: identity().deviceKey }];
      return readMetadata((await wire.call(uris.readDeviceMetadata, args, { signal })).args[0]);
    },
    async getAppCredKey(signal) {
      const { args } = await wire.call(uris.getAppCredKey, [], { signal });
      if (args.length === 0) throw new AgentError("bad_request", "empty app_cred_key payload");
      return readToken(args[0], { name: "app_cred_key", mayBeEmpty: false });
    },
    async updateDeviceStatus(report, signal) {
      const args = [encodeStatus(report, identity(), wire.sessionId)];
      const reply = await wire.call(uris.updateDeviceStatus, args, { signal, timeoutMs: statusTimeoutMs });
      const baseUrl = isDict(reply.args[0]) ? reply.args[0].reswarmBaseURL : undefined;
      return typeof baseUrl === "string" && baseUrl !== "" ? { baseUrl } : {};
    },
    async updateDeviceArchitecture(facts, signal) {
      await wire.call(uris.updateDeviceArchitecture, [encodeArchitecture(facts, identity())], { signal });
    },
    async checkPrivilege(question, signal) {
      const args = [encodeQuestion(question, identity())];
      const reply = await wire.call(uris.checkPrivilege, args, { signal, timeoutMs: privilegeTimeoutMs });
      if (typeof reply.args[0] === "boolean") return reply.args[0];
      throw new AgentError("privilege_check_failed", "type of argument is not bool");
    },
    async getRequestedAppStates(signal) {
      const args = [{ device_key: identity().deviceKey }];
      const rows = (await wire.call(uris.getRequestedAppStates, args, { signal })).args[0];
      if (Array.isArray(rows)) return rows;
      throw new AgentError(
        "bad_request",
        `Cannot read requested app states: args[0] must be a list, got ${show(rows ?? null)}`,
      );
    },
    async getRegistryToken(callerId, signal) {
      const { args } = await wire.call(uris.getRegistryToken, [{ callerID: callerId }], { signal });
      return args.length === 0 ? "" : readToken(args[0], { name: "registry_token", mayBeEmpty: true });
    },
    async reportAppState(report, signal) {
      await wire.call(uris.updateAppOnDevice, [encodeReport(report, identity())], { signal });
    },
    async savePorts(saved, signal) {
      const args = [encodePorts(saved, identity())];
      await wire.call(uris.updateAppOnDevice, args, { signal, timeoutMs: portsTimeoutMs });
    },
    async runRegistryGc(signal) {
      const { args } = await wire.call(uris.runRegistryGc, [], { signal, timeoutMs: registryGcTimeoutMs });
      return isDict(args[0]) ? args[0] : undefined;
    },
    async matchSubscription(topic, signal) {
      const found = (await wire.call(routerProcedures.matchSubscription, [topic], { signal })).args[0];
      // Routers answer null, a list of ids or, when there is one, the bare id.
      return (Array.isArray(found) ? found : [found]).filter(isCount);
    },
  };
}

function readMetadata(value: unknown): DeviceMetadata {
  if (!isDict(value)) {
    throw new AgentError(
      "bad_request",
      `Cannot read device metadata: args[0] must be an object, got ${show(value ?? null)}`,
    );
  }
  const swarmKey = readCount(value.swarm_key);
  if (swarmKey === undefined) {
    throw new AgentError("bad_request", `swarm_key has invalid type ${typeName(value.swarm_key)}`);
  }
  return {
    ...named("name", value.device_name),
    ...named("swarmName", value.swarm_name),
    ...named("swarmOwnerName", value.ownername),
    swarmKey,
  };
}

/** A name in any shape becomes text; a missing one stays absent, so that it never replaces a known one. */
function named<Name extends string>(name: Name, value: unknown): { [key in Name]?: string } {
  const found: { [key in Name]?: string } = {};
  if (value !== undefined && value !== null) found[name] = typeof value === "string" ? value : JSON.stringify(value);
  return found;
}

function typeName(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
}

function readToken(value: unknown, options: { name: string; mayBeEmpty: boolean }): string {
  if (typeof value === "string" && (value !== "" || options.mayBeEmpty)) return value;
  throw new AgentError("bad_request", `invalid ${options.name} payload`);
}

function encodeStatus(report: StatusReport, device: BackendIdentity, sessionId: number): Dict {
  return {
    swarm_key: device.swarmKey,
    device_key: device.deviceKey,
    status: report.status,
    wamp_session_id: sessionId,
    stats: report.stats,
    ...(report.tunnelCapable === undefined ? {} : { tunnel_capable: report.tunnelCapable }),
  };
}

function encodeArchitecture(facts: DeviceArchitecture, device: BackendIdentity): Dict {
  return {
    swarm_key: device.swarmKey,
    device_key: device.deviceKey,
    architecture: facts.arch + facts.variant,
    os: facts.os,
    arch: facts.arch,
    variant: facts.variant,
    agent_version: facts.agentVersion,
  };
}

function encodeQuestion(question: { privilege: Privilege; requestor: number }, device: BackendIdentity): Dict {
  return {
    privilege: question.privilege,
    entity: "DEVICE",
    entity_key: device.deviceKey,
    requestor_account_key: question.requestor,
    swarm_key: device.swarmKey,
  };
}

function encodeReport(report: AppReport, device: BackendIdentity): Dict {
  return {
    app_key: report.id.appKey,
    device_key: device.deviceKey,
    swarm_key: device.swarmKey,
    serial_number: device.serialNumber,
    stage: report.id.stage,
    state: report.state,
    device_to_app_key: 0,
    requestor_account_key: report.requestorAccountKey,
    release_key: report.releaseKey,
    request_update: report.requestUpdate,
    release_build: report.releaseBuild,
    updateStatus: report.updateStatus,
  };
}

function encodePorts(
  { id, ports, others }: { id: AppId; ports: readonly PortRule[]; others: readonly unknown[] },
  device: BackendIdentity,
): Dict {
  return {
    app_key: id.appKey,
    device_key: device.deviceKey,
    swarm_key: device.swarmKey,
    stage: id.stage,
    ports: [...ports.map(encodePortRule), ...others],
  };
}
