/** A device for handlers under test: harmless answers, which a test replaces by what it is about. */

import { silentLog } from "../../lib/base/log.ts";
import type { Device } from "../../lib/handlers/device.ts";

/** A signal that never ends. */
export const never = new AbortController().signal;

/** The twelve stats of a device. */
export const stats = {
  cpu_count: 4,
  cpu_usage: 7.5,
  memory_total: 4_102_000_000,
  memory_used: 900_000_000,
  memory_available: 3_000_000_000,
  storage_total: 31_000_000_000,
  storage_used: 9_000_000_000,
  storage_free: 22_000_000_000,
  docker_apps_total: 0,
  docker_apps_used: 0,
  docker_apps_free: 0,
  docker_apps_mounted: false,
};

const topics = { sessionID: "s", dataTopic: "d", writeTopic: "w", resizeTopic: "r" };

/** Terminals that are opened at once, and on which nothing happens. */
const network: Device["network"] = {
  readInterfaces: () => [],
  listEthernet: () => Promise.resolve([]),
  listWifi: () => Promise.resolve({ networks: [], ipv4: [], ipv6: [] }),
  scanWifi: () => Promise.resolve(),
  addWifi: () => Promise.resolve(),
  removeWifi: () => Promise.resolve(),
  selectWifi: () => Promise.resolve(),
  restartWifi: () => Promise.resolve(),
  updateIpv4: () => Promise.resolve(),
};

const terminals: Device["terminals"] = {
  request: () => Promise.resolve(topics),
  openDevice: () => Promise.resolve(topics),
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
};

const upToDate = {
  ...{ current: "0.21.0", latest: "0.21.0", message: "Version 0.21.0 is up to date" },
  ...{ isPlaced: false, isInProgress: false, sizeBytes: 0, last: undefined },
};

const selfUpdate: Device["selfUpdate"] = {
  readLatestVersion: () => Promise.resolve("0.21.0"),
  lastUpdate: () => Promise.resolve(undefined),
  update: () => Promise.resolve(upToDate),
};

const osUpdate: Device["osUpdate"] = {
  readReleases: () => Promise.resolve(undefined),
  download: () => Promise.resolve(),
  install: () => Promise.resolve(),
  lastInstallation: () => Promise.resolve(undefined),
};

/** What a test changes of the device, area by area. */
export interface DeviceChange extends Partial<Pick<Device, "serialNumber" | "checkPrivilege" | "log">> {
  apps?: Partial<Device["apps"]>;
  diskSpace?: Partial<Device["diskSpace"]>;
  engine?: Partial<Device["engine"]>;
  host?: Partial<Device["host"]>;
  logs?: Partial<Device["logs"]>;
  network?: Partial<Device["network"]>;
  osUpdate?: Partial<Device["osUpdate"]>;
  selfUpdate?: Partial<Device["selfUpdate"]>;
  terminals?: Partial<Device["terminals"]>;
  tunnels?: Partial<Device["tunnels"]>;
}

/** A device on which every caller has every privilege, and where nothing happens to the machine. */
export function fakeDevice(change: DeviceChange = {}): Device {
  return {
    serialNumber: change.serialNumber ?? "SN-1",
    checkPrivilege: change.checkPrivilege ?? (() => Promise.resolve(true)),
    apps: {
      request: () => Promise.resolve(),
      checkHostPort: () => ({ available: true, reason: "" }),
      writeData: () => Promise.resolve(),
      ...change.apps,
    },
    diskSpace: { prune: () => Promise.resolve(undefined), ...change.diskSpace },
    engine: {
      listImages: () => Promise.resolve([]),
      listContainersRaw: () => Promise.resolve([]),
      ...change.engine,
    },
    host: {
      readMetadata: () => Promise.resolve({ os: "linux debian 13.3", arch: "arm", variant: "v7", version: "0.21.0" }),
      readStats: () => Promise.resolve(stats),
      schedulePower: () => {},
      wall: () => new Date("2031-03-05T07:00:00.789Z"),
      ...change.host,
    },
    logs: {
      readHistory: () => Promise.resolve([]),
      query: () => Promise.resolve({ lines: [], source: "docker", truncated: false }),
      queryOwn: () => Promise.resolve({ lines: [], truncated: false, filesScanned: 1, oldestAvailable: undefined }),
      ...change.logs,
    },
    network: { ...network, ...change.network },
    osUpdate: { ...osUpdate, ...change.osUpdate },
    selfUpdate: { ...selfUpdate, ...change.selfUpdate },
    terminals: { ...terminals, ...change.terminals },
    tunnels: { isCapable: () => false, readStates: () => Promise.resolve([]), ...change.tunnels },
    log: change.log ?? silentLog,
  };
}
