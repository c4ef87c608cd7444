/** The calls of the agent to the Studio backend: their URIs and deadlines. */

import { AgentError } from "../base/errors.ts";
import { type Dict, isDict } from "../base/json.ts";
import { routerProcedures } from "../wamp/uris.ts";
import type { Wire } from "../wamp/wire.ts";
import {
  type DeviceMetadata,
  readAddress,
  readAppStateRows,
  readDeviceMetadata,
  readRemotePort,
  readSubscriptionIds,
  readToken,
  readUpdateUrl,
  type StatusAnswer,
} from "./replies.ts";
import {
  type AppReport,
  type BackendIdentity,
  type DeviceArchitecture,
  encodeAppReport,
  encodeArchitecture,
  encodeExposedPort,
  encodePorts,
  encodePrivilegeQuestion,
  encodeStatus,
  type ExposedPort,
  type PrivilegeQuestion,
  type SavedPorts,
  type StatusReport,
} from "./requests.ts";
import { backendProcedures as uris } from "./uris.ts";

/**
 * The backend. Every method throws `not_connected`, `timeout`, `canceled`, or `RemoteError` with the text
 * `calling remote procedure '<uri>': <error uri>…`; methods that read an answer also `bad_request` for one they cannot
 * read.
 */
export interface Backend {
  readDeviceMetadata(signal?: AbortSignal): Promise<DeviceMetadata>;
  /** The key that app credentials are derived from. Secret. */
  getAppCredKey(signal?: AbortSignal): Promise<string>;
  updateDeviceStatus(report: StatusReport, signal?: AbortSignal): Promise<StatusAnswer>;
  updateDeviceArchitecture(architecture: DeviceArchitecture, signal?: AbortSignal): Promise<void>;
  /** True when the account holds the privilege. Throws `privilege_check_failed` for an answer that is not a boolean. */
  checkPrivilege(question: PrivilegeQuestion, signal?: AbortSignal): Promise<boolean>;
  /** The rows of all apps. Throws when the answer holds no list: that is a failed fetch, never "no apps". */
  getRequestedAppStates(signal?: AbortSignal): Promise<unknown[]>;
  /** A login for the registry on behalf of an account; empty when there is none. Secret. */
  getRegistryToken(callerId: number, signal?: AbortSignal): Promise<string>;
  reportAppState(report: AppReport, signal?: AbortSignal): Promise<void>;
  savePorts(saved: SavedPorts, signal?: AbortSignal): Promise<void>;
  /** Reserves a port of the tunnel server for this device, and returns the one that was granted. */
  exposePort(port: ExposedPort, signal?: AbortSignal): Promise<number>;
  /** Makes the registry of an appliance collect its garbage, and returns what it reports, if anything. */
  runRegistryGc(signal?: AbortSignal): Promise<Dict | undefined>;
  /** The ids of the subscriptions that a topic has at the moment. */
  matchSubscription(topic: string, signal?: AbortSignal): Promise<number[]>;
}

/** The backend behind a wire. `identity` is read for every call, because a device can be moved to another project. */
export function createBackend(wire: Wire, identity: () => BackendIdentity): Backend {
  return new WireBackend(wire, identity);
}

const statusTimeoutMs = 10_000;
const privilegeTimeoutMs = 10_000;
const portsTimeoutMs = 5_000;
const exposeTimeoutMs = 10_000;
const registryGcTimeoutMs = 300_000;

class WireBackend implements Backend {
  readonly #wire: Wire;
  readonly #identity: () => BackendIdentity;

  constructor(wire: Wire, identity: () => BackendIdentity) {
    this.#wire = wire;
    this.#identity = identity;
  }

  async readDeviceMetadata(signal?: AbortSignal): Promise<DeviceMetadata> {
    const args = [{ device_key: this.#identity().deviceKey }];
    const reply = await this.#wire.call(uris.readDeviceMetadata, args, { signal });
    return readDeviceMetadata(reply.args[0]);
  }

  async getAppCredKey(signal?: AbortSignal): Promise<string> {
    const { args } = await this.#wire.call(uris.getAppCredKey, [], { signal });
    if (args.length === 0) throw new AgentError("bad_request", "empty app_cred_key payload");
    return readToken(args[0], { name: "app_cred_key", mayBeEmpty: false });
  }

  async updateDeviceStatus(report: StatusReport, signal?: AbortSignal): Promise<StatusAnswer> {
    const args = [encodeStatus(report, { ...this.#identity(), sessionId: this.#wire.sessionId })];
    const reply = await this.#wire.call(uris.updateDeviceStatus, args, { signal, timeoutMs: statusTimeoutMs });
    const answer = isDict(reply.args[0]) ? reply.args[0] : {};
    const baseUrl = readAddress(answer.reswarmBaseURL);
    const updateUrl = readUpdateUrl(answer.agentUpdateURL);
    return { ...(baseUrl === undefined ? {} : { baseUrl }), ...(updateUrl === undefined ? {} : { updateUrl }) };
  }

  async updateDeviceArchitecture(architecture: DeviceArchitecture, signal?: AbortSignal): Promise<void> {
    const args = [encodeArchitecture(architecture, this.#identity())];
    await this.#wire.call(uris.updateDeviceArchitecture, args, { signal });
  }

  async checkPrivilege(question: PrivilegeQuestion, signal?: AbortSignal): Promise<boolean> {
    const args = [encodePrivilegeQuestion(question, this.#identity())];
    const reply = await this.#wire.call(uris.checkPrivilege, args, { signal, timeoutMs: privilegeTimeoutMs });
    if (typeof reply.args[0] === "boolean") return reply.args[0];
    throw new AgentError("privilege_check_failed", "type of argument is not bool");
  }

  async getRequestedAppStates(signal?: AbortSignal): Promise<unknown[]> {
    const args = [{ device_key: this.#identity().deviceKey }];
    const reply = await this.#wire.call(uris.getRequestedAppStates, args, { signal });
    return readAppStateRows(reply.args[0]);
  }

  async getRegistryToken(callerId: number, signal?: AbortSignal): Promise<string> {
    const { args } = await this.#wire.call(uris.getRegistryToken, [{ callerID: callerId }], { signal });
    return args.length === 0 ? "" : readToken(args[0], { name: "registry_token", mayBeEmpty: true });
  }

  async reportAppState(report: AppReport, signal?: AbortSignal): Promise<void> {
    await this.#wire.call(uris.updateAppOnDevice, [encodeAppReport(report, this.#identity())], { signal });
  }

  async savePorts(saved: SavedPorts, signal?: AbortSignal): Promise<void> {
    const args = [encodePorts(saved, this.#identity())];
    await this.#wire.call(uris.updateAppOnDevice, args, { signal, timeoutMs: portsTimeoutMs });
  }

  async exposePort(port: ExposedPort, signal?: AbortSignal): Promise<number> {
    const args = [encodeExposedPort(port, this.#identity())];
    const reply = await this.#wire.call(uris.exposePort, args, { signal, timeoutMs: exposeTimeoutMs });
    return readRemotePort(reply.args);
  }

  async runRegistryGc(signal?: AbortSignal): Promise<Dict | undefined> {
    const { args } = await this.#wire.call(uris.runRegistryGc, [], { signal, timeoutMs: registryGcTimeoutMs });
    return isDict(args[0]) ? args[0] : undefined;
  }

  async matchSubscription(topic: string, signal?: AbortSignal): Promise<number[]> {
    const reply = await this.#wire.call(routerProcedures.matchSubscription, [topic], { signal });
    return readSubscriptionIds(reply.args[0]);
  }
}
