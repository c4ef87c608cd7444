/** What the agent sends to Studio, and how it is spelled on the wire. Pure. */

import type { Dict } from "../base/json.ts";
import type { AppId, AppState, PortRule, UpdateStatus } from "../model/app.ts";
import { encodePortRule } from "../model/port_rule.ts";

/** Who the device is at the moment of a call. */
export interface BackendIdentity {
  deviceKey: number;
  swarmKey: number;
  serialNumber: string;
}

/** What a device can report about itself; `DISCONNECTED` is for others to report. */
export type DeviceStatus = "CONNECTED" | "CONFIGURING" | "EMERGENCY";

/** One status report. `stats` has the names of the wire; an absent `tunnelCapable` is left out. */
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

/** What a caller of a protected procedure must hold. */
export type Privilege = "READ" | "NETWORK" | "MAINTAIN" | "DEVELOP";

/** The state of one app, as it is reported to Studio. */
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

/** The question whether an account (`requestor` is its key) holds a privilege on this device. */
export interface PrivilegeQuestion {
  privilege: Privilege;
  requestor: number;
}

/** The port rules of one app. `others` are entries that are not ours to read; they are saved back as they came. */
export interface SavedPorts {
  id: AppId;
  ports: readonly PortRule[];
  others: readonly unknown[];
}

/** The port of the tunnel server that a TCP or UDP port is to have. */
export interface ExposedPort {
  /** 0 when any will do. */
  port: number;
  protocol: "tcp" | "udp";
  /** Its user wants this port and no other. */
  isReserved: boolean;
}

/** The argument of `update_device_status`. */
export function encodeStatus(report: StatusReport, device: BackendIdentity & { sessionId: number }): Dict {
  return {
    swarm_key: device.swarmKey,
    device_key: device.deviceKey,
    status: report.status,
    wamp_session_id: device.sessionId,
    stats: report.stats,
    ...(report.tunnelCapable === undefined ? {} : { tunnel_capable: report.tunnelCapable }),
  };
}

/** The argument of `update_device_architecture`. */
export function encodeArchitecture(architecture: DeviceArchitecture, device: BackendIdentity): Dict {
  return {
    swarm_key: device.swarmKey,
    device_key: device.deviceKey,
    architecture: architecture.arch + architecture.variant,
    os: architecture.os,
    arch: architecture.arch,
    variant: architecture.variant,
    agent_version: architecture.agentVersion,
  };
}

/** The argument of `check_privilege`. */
export function encodePrivilegeQuestion(question: PrivilegeQuestion, device: BackendIdentity): Dict {
  return {
    privilege: question.privilege,
    entity: "DEVICE",
    entity_key: device.deviceKey,
    requestor_account_key: question.requestor,
    swarm_key: device.swarmKey,
  };
}

/** The argument of `update_app_on_device` that reports a state. */
export function encodeAppReport(report: AppReport, device: BackendIdentity): Dict {
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

/** The argument of `update_app_on_device` that saves port rules. */
export function encodePorts({ id, ports, others }: SavedPorts, device: BackendIdentity): Dict {
  return {
    app_key: id.appKey,
    device_key: device.deviceKey,
    swarm_key: device.swarmKey,
    stage: id.stage,
    ports: [...ports.map(encodePortRule), ...others],
  };
}

/** The argument of `expose_port`. */
export function encodeExposedPort({ port, protocol, isReserved }: ExposedPort, device: BackendIdentity): Dict {
  return { port, protocol, device_key: device.deviceKey, reserved: isReserved };
}
