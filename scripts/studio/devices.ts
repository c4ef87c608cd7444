/** The devices of the local Studio: their identity, what they have reported, and their .flock files. */

import { AgentError } from "../../lib/base/errors.ts";
import type { Dict } from "../../lib/base/json.ts";
import { addAccount, ownerAccountKey } from "./accounts.ts";
import { jsonColumn, numberColumn, randomText, type Store, type StoredRow, textColumn } from "./store.ts";

/** A device as the Studio knows it. */
export interface Device {
  deviceKey: number;
  swarmKey: number;
  serial: string;
  name: string;
  secret: string;
  /** `<swarm key>-<device key>`: how it logs in. */
  authid: string;
  ownerAccountKey: number;
  swarmName: string;
  ownerName: string;
  /** The Studio's address, as the device passes it to its apps. */
  baseUrl: string;
  appCredKey: string;
  status: string;
  /** The router's id of the session that reported last; 0 before the first report. */
  sessionId: number;
  /** The stats of the last status report; null before the first. */
  stats: unknown;
  tunnelCapable: boolean | undefined;
  /** Architecture, operating system and agent version; null until they are reported. */
  metadata: unknown;
  /** The time of the last status report; empty before the first. */
  reportedAt: string;
}

/** The members of a new device; those that are absent are generated. */
export interface NewDevice {
  name: string;
  serial?: string;
  secret?: string;
  deviceKey?: number;
  swarmKey?: number;
  ownerAccountKey?: number;
  swarmName?: string;
  ownerName?: string;
  baseUrl?: string;
  appCredKey?: string;
}

/** The members of a device that a status report changes. */
export interface StatusChange {
  status: string;
  sessionId: number;
  stats: Dict;
  tunnelCapable: boolean | undefined;
}

/** Adds a device. Throws `bad_request` when its name, serial number or key is in use, or the name is invalid. */
export function addDevice(store: Store, given: NewDevice): Device {
  if (!/^[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}$/.test(given.name)) {
    throw new AgentError("bad_request", `"${given.name}" cannot name a device; use letters, digits, space and . _ -`);
  }
  const taken = "SELECT name FROM devices WHERE name = ? OR serial = ? OR device_key = ?";
  const serial = given.serial ?? crypto.randomUUID();
  if (!/^[^\s.#]{1,100}$/.test(serial)) {
    throw new AgentError("bad_request", "A serial number is part of topics: it cannot contain dots, spaces or #");
  }
  if (store.first(taken, given.name, serial, given.deviceKey ?? -1) !== undefined) {
    throw new AgentError(
      "bad_request",
      `There is already a device "${given.name}", or one with its serial number or key`,
    );
  }
  const next = numberColumn(store.first("SELECT coalesce(max(device_key), 0) + 1 AS next FROM devices"), "next");
  const owner = addAccount(store, { accountKey: given.ownerAccountKey ?? ownerAccountKey });
  const deviceKey = given.deviceKey ?? next;
  store.run(
    `INSERT INTO devices (device_key, swarm_key, serial, name, secret, owner_account_key, swarm_name, owner_name,
       base_url, app_cred_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    deviceKey,
    given.swarmKey ?? 1,
    serial,
    given.name,
    given.secret ?? randomText(),
    owner.accountKey,
    given.swarmName ?? "local",
    given.ownerName ?? owner.name,
    given.baseUrl ?? "http://127.0.0.1",
    given.appCredKey ?? randomText(),
  );
  return deviceByKey(store, deviceKey);
}

/** Lists all devices. */
export function listDevices(store: Store): Device[] {
  return store.all("SELECT * FROM devices ORDER BY device_key").map(toDevice);
}

/** The device with a key. Throws `bad_request` when there is none. */
export function deviceByKey(store: Store, deviceKey: number): Device {
  const row = store.first("SELECT * FROM devices WHERE device_key = ?", deviceKey);
  if (row === undefined) throw new AgentError("bad_request", `There is no device with the key ${deviceKey}`);
  return toDevice(row);
}

/** The device with a name or serial number. Throws `bad_request` when there is none. */
export function deviceByName(store: Store, name: string): Device {
  const row = store.first("SELECT * FROM devices WHERE name = ? OR serial = ?", name, name);
  if (row === undefined) throw new AgentError("bad_request", `There is no device "${name}"`);
  return toDevice(row);
}

/** The device that logs in as `authid`, even with its former swarm; undefined for other users. */
export function deviceByAuthid(store: Store, authid: string | undefined): Device | undefined {
  const key = /^\d+-(\d+)$/.exec(authid ?? "")?.[1];
  const row = key === undefined ? undefined : store.first("SELECT * FROM devices WHERE device_key = ?", Number(key));
  return row === undefined ? undefined : toDevice(row);
}

/** Stores a status report. */
export function saveStatus(store: Store, deviceKey: number, change: StatusChange): void {
  store.run(
    "UPDATE devices SET status = ?, session_id = ?, stats = ?, tunnel_capable = ?, reported_at = ? WHERE device_key = ?",
    change.status,
    change.sessionId,
    JSON.stringify(change.stats),
    change.tunnelCapable === undefined ? null : Number(change.tunnelCapable),
    new Date().toISOString(),
    deviceKey,
  );
}

/** Stores the metadata of a device. */
export function saveMetadata(
  store: Store,
  { deviceKey, metadata }: { deviceKey: number; metadata: Dict },
): void {
  store.run("UPDATE devices SET facts = ? WHERE device_key = ?", JSON.stringify(metadata), deviceKey);
}

/** Marks a device as disconnected when its session has ended. False when it has another session by now. */
export function markDisconnected(
  store: Store,
  { deviceKey, sessionId }: { deviceKey: number; sessionId: number },
): boolean {
  const text = "UPDATE devices SET status = 'DISCONNECTED' WHERE device_key = ? AND session_id = ?";
  return store.run(text, deviceKey, sessionId) > 0;
}

/** Marks all devices as disconnected, because the router has just started. */
export function markAllDisconnected(store: Store): void {
  store.run("UPDATE devices SET status = 'DISCONNECTED'");
}

/** Moves a device to another project. The device learns of it when it next connects, and then uses another authid. */
export function moveDevice(store: Store, deviceKey: number, change: { swarmKey: number; swarmName?: string }): Device {
  const { swarmName } = deviceByKey(store, deviceKey);
  const text = "UPDATE devices SET swarm_key = ?, swarm_name = ? WHERE device_key = ?";
  store.run(text, change.swarmKey, change.swarmName ?? swarmName, deviceKey);
  return deviceByKey(store, deviceKey);
}

/** The content of the device's .flock file. */
export function flockOf(
  device: Device,
  { routerUrl, registryHost }: { routerUrl: string; registryHost: string },
): Dict {
  return {
    name: device.name,
    secret: device.secret,
    swarm_key: device.swarmKey,
    device_key: device.deviceKey,
    swarm_name: device.swarmName,
    serial_number: device.serial,
    swarm_owner_name: device.ownerName,
    device_endpoint_url: routerUrl,
    environment: "local",
    docker_registry_url: `${registryHost}/`,
    docker_main_repository: "apps/",
  };
}

function toDevice(row: StoredRow): Device {
  const [deviceKey, swarmKey] = [numberColumn(row, "device_key"), numberColumn(row, "swarm_key")];
  return {
    deviceKey,
    swarmKey,
    serial: textColumn(row, "serial"),
    name: textColumn(row, "name"),
    secret: textColumn(row, "secret"),
    authid: `${swarmKey}-${deviceKey}`,
    ownerAccountKey: numberColumn(row, "owner_account_key"),
    swarmName: textColumn(row, "swarm_name"),
    ownerName: textColumn(row, "owner_name"),
    baseUrl: textColumn(row, "base_url"),
    appCredKey: textColumn(row, "app_cred_key"),
    status: textColumn(row, "status"),
    sessionId: numberColumn(row, "session_id"),
    stats: jsonColumn(row, "stats"),
    tunnelCapable: typeof row.tunnel_capable === "number" ? row.tunnel_capable === 1 : undefined,
    metadata: jsonColumn(row, "facts"),
    reportedAt: textColumn(row, "reported_at"),
  };
}
