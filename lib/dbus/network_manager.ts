/** NetworkManager on the system bus: what it has and what it can be told, typed. Decides nothing. */

import { isBusRefusal, isMethodMissing } from "./bus_errors.ts";
import type { BusMethod } from "./bus_session.ts";
import {
  type BusDict,
  type BusValue,
  type BusVariant,
  isBusVariant,
  readBusBytes,
  readBusDict,
  readBusList,
  readBusNumber,
  readBusText,
  readBusTexts,
} from "./bus_values.ts";
import type { BusTarget, SystemBus } from "./system_bus.ts";

/** Its name on the bus. */
export const networkManagerName = "org.freedesktop.NetworkManager";

const rootPath = "/org/freedesktop/NetworkManager";
const settingsPath = `${rootPath}/Settings`;

/** The groups of a profile with their keys, each value with its own type. */
export type ProfileSettings = ReadonlyMap<string, ReadonlyMap<string, BusVariant>>;

/** A saved profile. */
export interface SavedProfile {
  path: string;
  settings: ProfileSettings;
}

/** A network device. Paths are undefined where there is nothing. */
export interface NetworkDevice {
  path: string;
  /** 1 Ethernet, 2 Wi-Fi, 20 one end of a pair of virtual ones. */
  type: number;
  /** From 10 (not managed) over 30 (disconnected) to 100 (activated) and 120 (failed). */
  state: number;
  /** Why it is in this state; 0 when there is nothing to say. */
  reason: number;
  interfaceName: string;
  ipInterface: string;
  mac: string;
  activeConnection: string | undefined;
  ip4Config: string | undefined;
  ip6Config: string | undefined;
}

/** A profile in use. */
export interface ActiveConnection {
  path: string;
  profile: string | undefined;
  uuid: string;
  devices: readonly string[];
  /** The access point, for Wi-Fi. */
  specificObject: string | undefined;
  /** 1 activating, 2 activated, 3 deactivating, 4 deactivated. */
  state: number;
}

/** An access point that was seen. */
export interface AccessPoint {
  path: string;
  ssid: Uint8Array;
  mac: string;
  frequencyMhz: number;
  /** From 0 to 100. */
  strength: number;
  flags: number;
  wpaFlags: number;
  rsnFlags: number;
}

/** The addresses of a device. */
export interface IpConfig {
  addresses: readonly { address: string; prefix: number }[];
  /** Empty when there is none. */
  gateway: string;
  /** As NetworkManager writes them: the first octet is the lowest byte. */
  nameServers: readonly number[];
}

/** The calls. All throw as `SystemBus.call()` does. */
export class NetworkManagerProxy {
  readonly #bus: SystemBus;

  constructor(bus: SystemBus) {
    this.#bus = bus;
  }

  /** All devices. One that goes meanwhile is left out. */
  async listDevices(signal: AbortSignal): Promise<NetworkDevice[]> {
    const paths = await this.#devicePaths(signal);
    return await this.#readAll(paths, (path) => this.readDevice(path, signal));
  }

  /** One device. */
  async readDevice(path: string, signal: AbortSignal): Promise<NetworkDevice> {
    const values = await this.#properties(path, "Device", signal);
    const [, reason] = values.has("StateReason") ? readBusList(values.get("StateReason"), "a device") : [];
    return {
      path,
      type: numberIn(values, "DeviceType"),
      state: numberIn(values, "State"),
      reason: reason === undefined ? 0 : readBusNumber(reason, "a device"),
      interfaceName: textIn(values, "Interface"),
      ipInterface: textIn(values, "IpInterface"),
      mac: textIn(values, "HwAddress"),
      activeConnection: objectIn(values, "ActiveConnection"),
      ip4Config: objectIn(values, "Ip4Config"),
      ip6Config: objectIn(values, "Ip6Config"),
    };
  }

  /**
   * Reports each state of a device with its reason, until it is disposed. Some last too short to be read: a device that
   * has failed is disconnected, and without a reason, a moment later.
   */
  async watchDevice(path: string, onState: (state: number, reason: number) => void): Promise<AsyncDisposable> {
    const match = {
      sender: networkManagerName,
      path,
      interface: `${networkManagerName}.Device`,
      member: "StateChanged",
    };
    return await this.#bus.subscribe(match, ({ args: [state, , reason] }) => {
      onState(readBusNumber(state, "the state of a device"), readBusNumber(reason, "the state of a device"));
    });
  }

  /** The addresses that a device has of a kind; none while it has no such configuration. */
  async readIpConfig(path: string | undefined, family: 4 | 6, signal: AbortSignal): Promise<IpConfig> {
    const empty = { addresses: [], gateway: "", nameServers: [] };
    if (path === undefined) return empty;
    const values = await this.#ifThere(() => this.#properties(path, `IP${family}Config`, signal));
    if (values === undefined) return empty;
    const servers = values.get("Nameservers");
    return {
      addresses: readAddresses(values.get("AddressData")),
      gateway: textIn(values, "Gateway"),
      nameServers: servers === undefined || family === 6
        ? []
        : readBusList(servers, "the name servers").map((server) => {
          return readBusNumber(server, "a name server");
        }),
    };
  }

  /** The two MAC addresses of an Ethernet device; empty where it has none. */
  async readWiredMacs(path: string, signal: AbortSignal): Promise<{ mac: string; permanentMac: string }> {
    const values = await this.#ifThere(() => this.#properties(path, "Device.Wired", signal));
    return { mac: textIn(values, "HwAddress"), permanentMac: textIn(values, "PermHwAddress") };
  }

  /** All profiles in use. */
  async listActive(signal: AbortSignal): Promise<ActiveConnection[]> {
    const name = { ...target(rootPath, ""), name: "ActiveConnections" };
    const paths = readBusTexts(await this.#bus.property(name, signal), "the active connections");
    return await this.#readAll(paths, (path) => this.readActive(path, signal));
  }

  /** A profile in use. */
  async readActive(path: string, signal: AbortSignal): Promise<ActiveConnection> {
    const values = await this.#properties(path, "Connection.Active", signal);
    const devices = values.get("Devices");
    return {
      path,
      profile: objectIn(values, "Connection"),
      uuid: textIn(values, "Uuid"),
      devices: devices === undefined ? [] : readBusTexts(devices, "an active connection"),
      specificObject: objectIn(values, "SpecificObject"),
      state: numberIn(values, "State"),
    };
  }

  /** The access points that a Wi-Fi device has seen, without a new scan. */
  async listAccessPoints(device: string, signal: AbortSignal): Promise<AccessPoint[]> {
    const [paths] = await this.#call(device, { interface: "Device.Wireless", member: "GetAllAccessPoints" }, signal);
    return await this.#readAll(readBusTexts(paths, "the access points"), async (path) => {
      const values = await this.#properties(path, "AccessPoint", signal);
      return {
        path,
        ssid: readBusBytes(values.get("Ssid") ?? new Uint8Array(), "an access point"),
        mac: textIn(values, "HwAddress"),
        frequencyMhz: numberIn(values, "Frequency"),
        strength: numberIn(values, "Strength"),
        flags: numberIn(values, "Flags"),
        wpaFlags: numberIn(values, "WpaFlags"),
        rsnFlags: numberIn(values, "RsnFlags"),
      };
    });
  }

  /** The access point that a Wi-Fi device uses, and when it scanned last (ms; undefined when it does not say). */
  async readWireless(
    device: string,
    signal: AbortSignal,
  ): Promise<{ accessPoint: string | undefined; lastScan: bigint | number | undefined }> {
    const values = await this.#ifThere(() => this.#properties(device, "Device.Wireless", signal));
    const scan = values?.get("LastScan");
    const lastScan = isBusVariant(scan) ? scan.value : scan;
    return {
      accessPoint: objectIn(values, "ActiveAccessPoint"),
      lastScan: typeof lastScan === "bigint" || typeof lastScan === "number" ? lastScan : undefined,
    };
  }

  /** Asks a Wi-Fi device to scan. */
  async requestScan(device: string, signal: AbortSignal): Promise<void> {
    const args = [new Map<string, BusVariant>()];
    const method = { interface: "Device.Wireless", member: "RequestScan", signature: "a{sv}", args };
    await this.#call(device, method, signal);
  }

  /** All saved profiles, without their secrets. One that goes meanwhile is left out. */
  async listProfiles(signal: AbortSignal): Promise<SavedProfile[]> {
    const [paths] = await this.#call(settingsPath, { interface: "Settings", member: "ListConnections" }, signal);
    return await this.#readAll(readBusTexts(paths, "the profiles"), (path) => this.readProfile(path, signal));
  }

  /** A saved profile, without its secrets. */
  async readProfile(path: string, signal: AbortSignal): Promise<SavedProfile> {
    const [settings] = await this.#call(path, { interface: "Settings.Connection", member: "GetSettings" }, signal);
    return { path, settings: readSettings(settings) };
  }

  /** Saves a new profile, and returns its path. */
  async addProfile(settings: ProfileSettings, signal: AbortSignal): Promise<string> {
    const method = { interface: "Settings", member: "AddConnection", signature: "a{sa{sv}}", args: [settings] };
    const [path] = await this.#call(settingsPath, method, signal);
    return readBusText(path, "the new profile");
  }

  /** Replaces the settings of a profile. Its secrets stay when the new settings hold none at all. */
  async updateProfile({ path, settings }: SavedProfile, signal: AbortSignal): Promise<void> {
    const method = { interface: "Settings.Connection", member: "Update", signature: "a{sa{sv}}", args: [settings] };
    await this.#call(path, method, signal);
  }

  /** Removes a profile. Whatever used it loses its connection. */
  async deleteProfile(path: string, signal: AbortSignal): Promise<void> {
    await this.#call(path, { interface: "Settings.Connection", member: "Delete" }, signal);
  }

  /** Begins to use a profile on a device, and returns the path of the active connection. */
  async activate(
    use: { profile: string; device: string; specificObject?: string },
    signal: AbortSignal,
  ): Promise<string> {
    const args = [use.profile, use.device, use.specificObject ?? "/"];
    const [path] = await this.#call(
      rootPath,
      { interface: "", member: "ActivateConnection", signature: "ooo", args },
      signal,
    );
    return readBusText(path, "the active connection");
  }

  /** Makes NetworkManager read its configuration again. */
  async reload(signal: AbortSignal): Promise<void> {
    await this.#call(rootPath, { interface: "", member: "Reload", signature: "u", args: [0] }, signal);
  }

  /**
   * Notes the state of devices, to which NetworkManager returns by itself after `limitSeconds` unless the checkpoint is
   * destroyed before. Returns undefined when it knows no checkpoints.
   */
  async createCheckpoint(
    { devices, limitSeconds }: { devices: readonly string[]; limitSeconds: number },
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const method = { interface: "", member: "CheckpointCreate", signature: "aouu", args: [devices, limitSeconds, 0] };
    const path = await this.#ifThere(async () => (await this.#call(rootPath, method, signal))[0]);
    return path === undefined ? undefined : readBusText(path, "the checkpoint");
  }

  /** The checkpoints that there are. */
  async listCheckpoints(signal: AbortSignal): Promise<string[]> {
    const read = () => this.#bus.property({ ...target(rootPath, ""), name: "Checkpoints" }, signal);
    const paths = await this.#ifThere(read);
    return paths === undefined ? [] : readBusTexts(paths, "the checkpoints");
  }

  /** Keeps what was changed since a checkpoint. */
  async destroyCheckpoint(path: string, signal: AbortSignal): Promise<void> {
    await this.#call(rootPath, { interface: "", member: "CheckpointDestroy", signature: "o", args: [path] }, signal);
  }

  /** Returns to a checkpoint, which is gone then. False when a device could not be brought back. */
  async rollBackCheckpoint(path: string, signal: AbortSignal): Promise<boolean> {
    const method = { interface: "", member: "CheckpointRollback", signature: "o", args: [path], limitMs: 20_000 };
    const [results] = await this.#call(rootPath, method, signal);
    return [...readBusDict(results, "the result of a roll-back").values()].every((code) => code === 0);
  }

  /**
   * Names the running NetworkManager: another one after a restart of it, of the bus or of the machine. Its unique name
   * alone does not: names count from the start of a bus, so that it has the same one after each boot.
   */
  async instance(signal: AbortSignal): Promise<string> {
    const bus = {
      destination: "org.freedesktop.DBus",
      path: "/org/freedesktop/DBus",
      interface: "org.freedesktop.DBus",
    };
    const owned = { member: "GetNameOwner", signature: "s", args: [networkManagerName] };
    const [[owner], [id]] = await Promise.all([
      this.#bus.call({ ...bus, ...owned }, signal),
      this.#bus.call({ ...bus, member: "GetId" }, signal),
    ]);
    return `${readBusText(id, "the id of the bus")} ${readBusText(owner, "the owner of a name")}`;
  }

  async #devicePaths(signal: AbortSignal): Promise<string[]> {
    // The first also lists devices that exist only as a profile; old versions do not have it.
    const all = await this.#ifThere(() => this.#call(rootPath, { interface: "", member: "GetAllDevices" }, signal));
    const [paths] = all ?? await this.#call(rootPath, { interface: "", member: "GetDevices" }, signal);
    return readBusTexts(paths, "the devices");
  }

  /** Reads objects at the same time; those that are gone meanwhile are left out. */
  async #readAll<T>(paths: readonly string[], read: (path: string) => Promise<T>): Promise<T[]> {
    const found = await Promise.all(paths.slice(0, objectLimit).map((path) => this.#ifThere(() => read(path))));
    return found.filter((one) => one !== undefined);
  }

  /** Undefined when the object, the interface or the method is not there. */
  async #ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      if (isMethodMissing(error) || isBusRefusal(error, "InvalidArgs", "DoesNotExist")) return undefined;
      throw error;
    }
  }

  async #properties(path: string, name: string, signal: AbortSignal): Promise<BusDict> {
    return await this.#bus.properties(target(path, name), signal);
  }

  async #call(
    path: string,
    method: Omit<BusMethod, "destination" | "path">,
    signal: AbortSignal,
  ): Promise<BusValue[]> {
    return await this.#bus.call({ ...method, ...target(path, method.interface) }, signal);
  }
}

/** Objects of one kind that are read: devices, profiles, access points. */
const objectLimit = 500;

function target(path: string, name: string): BusTarget {
  const suffix = name === "" ? "" : `.${name}`;
  return { destination: networkManagerName, path, interface: `${networkManagerName}${suffix}` };
}

function readSettings(value: BusValue | undefined): ProfileSettings {
  const groups = [...readBusDict(value, "a profile")].map(([group, keys]): [string, Map<string, BusVariant>] => {
    const entries = [...readBusDict(keys, "a profile")].map(([key, entry]): [string, BusVariant] => {
      // A dictionary of variants holds nothing else.
      return [readBusText(key, "a profile"), isBusVariant(entry) ? entry : { signature: "s", value: "" }];
    });
    return [readBusText(group, "a profile"), new Map(entries)];
  });
  return new Map(groups);
}

/** Addresses as in `AddressData` and in the key `address-data` of a profile. */
export function readAddresses(value: BusValue | undefined): { address: string; prefix: number }[] {
  if (value === undefined) return [];
  return readBusList(value, "the addresses").map((entry) => {
    const address = readBusDict(entry, "an address");
    return { address: textIn(address, "address"), prefix: numberIn(address, "prefix") };
  });
}

function textIn(values: BusDict | undefined, name: string): string {
  const value = values?.get(name);
  return value === undefined ? "" : readBusText(value, name);
}

function numberIn(values: BusDict, name: string): number {
  const value = values.get(name);
  return value === undefined ? 0 : readBusNumber(value, name);
}

/** `/` means that there is none. */
function objectIn(values: BusDict | undefined, name: string): string | undefined {
  const path = textIn(values, name);
  return path === "" || path === "/" ? undefined : path;
}
