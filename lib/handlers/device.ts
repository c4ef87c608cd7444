/**
 * What the handlers see of the agent, by area. `agent/areas.ts` connects it; handlers hold no state. Calls throw
 * `AgentError`, whose text is the answer of the procedure.
 */

import type { EthernetDevice, Ipv4Request, WifiList, WifiRequest } from "../network/network_shapes.ts";
import type { AppLogQuery, FoundLogLines } from "../app_logs/log_query.ts";
import type { Log } from "../base/log.ts";
import type { Recorder } from "../base/recorder.ts";
import type { Dict } from "../base/json.ts";
import type { ImageSummary } from "../docker/decode.ts";
import type { InterfaceAddress } from "../host/addresses.ts";
import type { PowerAction } from "../host/power.ts";
import type { FoundOwnLines, OwnLogQuery } from "../log/own_log_query.ts";
import type { AppId } from "../model/app.ts";
import type { LastInstallation } from "../os_update/installation_record.ts";
import type { OsReleases } from "../os_update/os_releases.ts";
import type { UpdateAnswer } from "../self_update/self_update.ts";
import type { LastUpdate } from "../self_update/update_record.ts";
import type { Stats } from "../host/stats.ts";
import type { PrivilegeCheck } from "./authorize.ts";

/** A port rule and the host port that it is to reserve; 0 asks whether reservations are known at all. */
export interface HostPortRequest {
  app: AppId;
  transport: "tcp" | "udp";
  port: number;
  hostPort: number;
}

/** One call of an upload. */
export interface UploadPart {
  /** `BEGIN`, `END`, or bytes as hexadecimal text. */
  chunk: string;
  fileName: string;
  containerName: string;
  totalBytes: number;
  id: string;
}

/** The apps that Studio wants. */
export interface DeviceApps {
  /**
   * Stores what Studio asks for one app and starts the work in the background. Throws `bad_request`, `store_failed`.
   */
  request(kwargs: Dict, signal: AbortSignal): Promise<void>;
  /** Whether a port rule could reserve a host port at this moment. Throws `store_failed`. */
  checkHostPort(question: HostPortRequest): { available: boolean; reason: string };
  /** Takes one part of an upload. Throws `bad_request`, `busy`, `no_space`, `io_failed`. */
  writeData(part: UploadPart): Promise<void>;
}

/** The disk of the container engine. */
export interface DeviceDiskSpace {
  /** Removes dangling images, or with `all` everything unused: then it returns what the program printed. */
  prune(options: { all: boolean }, signal: AbortSignal): Promise<string | undefined>;
}

/** The container engine. Calls throw `engine_unreachable` or `engine_failed`. */
export interface DeviceEngine {
  listImages(signal: AbortSignal): Promise<ImageSummary[]>;
  /** All containers as the engine's own interface returns them. */
  listContainersRaw(signal: AbortSignal): Promise<unknown[]>;
}

/** The logs of apps, and that of the agent. */
export interface DeviceLogs {
  /** The last lines of a channel, oldest first. */
  readHistory(channel: string, signal: AbortSignal): Promise<string[]>;
  /** Lines of the stored log of an app. Throws `busy`, and what the engine throws. */
  query(query: AppLogQuery, signal: AbortSignal): Promise<FoundLogLines>;
  /** Lines of the agent's own log. Throws `busy`, `io_failed`. */
  queryOwn(query: OwnLogQuery, signal: AbortSignal): Promise<FoundOwnLines>;
}

/** The network of the device. */
export interface DeviceNetwork {
  /** The addresses of all network interfaces. */
  readInterfaces(): InterfaceAddress[];
  /** Empty where there is no NetworkManager. */
  listEthernet(signal: AbortSignal): Promise<EthernetDevice[]>;
  /** Empty where there is no NetworkManager. Throws `not_available` ("device not found"). */
  listWifi(signal: AbortSignal): Promise<WifiList>;
  scanWifi(signal: AbortSignal): Promise<void>;
  addWifi(request: WifiRequest, signal: AbortSignal): Promise<void>;
  removeWifi(ssid: string, signal: AbortSignal): Promise<void>;
  selectWifi(network: { ssid: string; mac: string }, signal: AbortSignal): Promise<void>;
  restartWifi(signal: AbortSignal): Promise<void>;
  updateIpv4(request: Ipv4Request, signal: AbortSignal): Promise<void>;
}

/** What people see of the machine and the agent. */
export interface MachineMetadata {
  /** The detailed text of the operating system. */
  os: string;
  arch: string;
  variant: string;
  version: string;
}

/** The machine. */
export interface DeviceHost {
  readMetadata(signal: AbortSignal): Promise<MachineMetadata>;
  /** The stats of the device, as in a status report. */
  readStats(): Promise<Stats>;
  /** Does it two seconds from now. */
  schedulePower(action: PowerAction): void;
  /** The wall time of the device. */
  wall(): Date;
}

/** Newer versions of the agent. */
export interface DeviceSelfUpdate {
  /** The newest version for this device. Throws when it cannot be found out. */
  readLatestVersion(): Promise<string>;
  /** How the latest update ended; undefined when there was none. */
  lastUpdate(): Promise<LastUpdate | undefined>;
  /** Brings the newest version onto the disk, if there is a newer one. */
  update(): Promise<UpdateAnswer>;
}

/** Terminals in containers and on the device; see `terminals/terminals.ts`. */
export interface DeviceTerminals {
  request(
    containerName: string,
    owner: string,
    signal: AbortSignal,
  ): Promise<{ sessionID: string; dataTopic: string; writeTopic: string; resizeTopic: string }>;
  openDevice(owner: string): Promise<{ sessionID: string; dataTopic: string; writeTopic: string; resizeTopic: string }>;
  start(sessionId: string, caller: string | undefined): Promise<void>;
  stop(sessionId: string, caller: string | undefined): Promise<void>;
}

/** Updates of the operating system. */
export interface DeviceOsUpdate {
  /** Undefined on a system without such updates. Throws `io_failed`, `bad_request`. */
  readReleases(): Promise<OsReleases | undefined>;
  /** Brings the bundle of the update that the system names onto the disk; see `OsUpdate.download()`. */
  download(): Promise<void>;
  /** Installs it; see `OsUpdate.install()`. */
  install(): Promise<void>;
  /** How the latest installation stands; undefined when there was none. */
  lastInstallation(): Promise<LastInstallation | undefined>;
}

/** The tunnels of the device. */
export interface DeviceTunnels {
  /** False only when tunnels are known not to work. */
  isCapable(): boolean;
  /** The states of all tunnels; none while they do not work. Throws `call_failed`. */
  readStates(signal: AbortSignal): Promise<readonly object[]>;
}

/** Everything that handlers use. */
export interface Device {
  serialNumber: string;
  checkPrivilege: PrivilegeCheck;
  apps: DeviceApps;
  diskSpace: DeviceDiskSpace;
  engine: DeviceEngine;
  host: DeviceHost;
  logs: DeviceLogs;
  network: DeviceNetwork;
  osUpdate: DeviceOsUpdate;
  selfUpdate: DeviceSelfUpdate;
  terminals: DeviceTerminals;
  tunnels: DeviceTunnels;
  /** Measures calls; nothing does without it. */
  recorder?: Recorder;
  log: Log;
}
