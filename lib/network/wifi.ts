/** Wi-Fi: what is in the air and saved, and changes of that. */

import type { Clock } from "../async/clock.ts";
import { within } from "../async/deadline.ts";
import { AgentError, hasCode } from "../base/errors.ts";
import { isBusRefusal } from "../dbus/bus_errors.ts";
import type { NetworkDevice, NetworkManagerProxy, SavedProfile } from "../dbus/network_manager.ts";
import { notFound } from "./ethernet.ts";
import type { Change, GuardedChanges } from "./guarded_changes.ts";
import { profilesOfSsid, profileText } from "./profiles.ts";
import { isSameSsid, ssidBytes, ssidText } from "./ssid.ts";
import type { WifiList, WifiRequest } from "./network_shapes.ts";
import { wifiNetworks } from "./wifi_list.ts";
import { wifiSecurity } from "./wifi_facts.ts";
import { wifiSettings, wrongPasswordText } from "./wifi_profile.ts";

/** What Wi-Fi needs. */
export interface WifiDeps {
  manager: NetworkManagerProxy;
  changes: GuardedChanges;
  clock: Clock;
}

/** NetworkManager's number of Wi-Fi devices. */
const wifiDevice = 2;

const disconnectedState = 30;
const scanPollMs = 100;
const scanPauseMs = 1_000;

/** All scans that one call makes. */
export const allScansLimitMs = 20_000;

/** The Wi-Fi device in use, else the first. Throws `not_available` ("device not found"). */
async function findWifiDevice(manager: NetworkManagerProxy, signal: AbortSignal): Promise<NetworkDevice> {
  const [devices, active] = await Promise.all([manager.listDevices(signal), manager.listActive(signal)]);
  const wireless = devices.filter(({ type }) => type === wifiDevice);
  const inUse = active.flatMap((connection) => connection.devices);
  const found = wireless.find(({ path }) => inUse.includes(path)) ?? wireless[0];
  if (found === undefined) throw new AgentError("not_available", "device not found");
  return found;
}

/** What was last seen in the air, without a new scan, and what is saved. Throws `not_available` without a device. */
export async function listWifi({ manager }: WifiDeps, signal: AbortSignal): Promise<WifiList> {
  const device = await findWifiDevice(manager, signal);
  const [accessPoints, profiles, wireless, active, ipv4, ipv6] = await Promise.all([
    manager.listAccessPoints(device.path, signal),
    manager.listProfiles(signal),
    manager.readWireless(device.path, signal),
    manager.listActive(signal),
    manager.readIpConfig(device.ip4Config, 4, signal),
    manager.readIpConfig(device.ip6Config, 6, signal),
  ]);
  const connection = active.find(({ devices }) => devices.includes(device.path));
  const current = {
    accessPoint: wireless.accessPoint ?? connection?.specificObject,
    profile: profiles.find(({ path }) => path === connection?.profile),
  };
  return { networks: wifiNetworks({ accessPoints, profiles, current }), ipv4: ipv4.addresses, ipv6: ipv6.addresses };
}

/** Scans, and resolves when the result is there. Throws `not_available`, `not_connected`, `timeout`, `bus_refused`. */
export async function scanWifi(deps: WifiDeps, signal: AbortSignal): Promise<void> {
  const late = new AgentError("timeout", "context deadline exceeded");
  try {
    await within(allScansLimitMs, async (limit) => {
      while (!await scanOnce(deps, limit)) await deps.clock.sleep(scanPauseMs, limit);
    }, { what: "The scan for wifi networks", signal });
  } catch (error) {
    throw hasCode(error, "timeout") ? late : error;
  }
}

/** False when NetworkManager does not scan yet, because it has just done so. */
async function scanOnce({ manager, clock }: WifiDeps, signal: AbortSignal): Promise<boolean> {
  const { path, state } = await findWifiDevice(manager, signal);
  // The scan of a device that is not connected never ends.
  if (state <= disconnectedState) throw new AgentError("not_connected", "not connected");
  const { lastScan } = await manager.readWireless(path, signal);
  try {
    await manager.requestScan(path, signal);
  } catch (error) {
    if (isBusRefusal(error, "NotAllowed")) return false;
    throw error;
  }
  // Between two channels many radios return to the network in use: with two bands that takes more than ten seconds.
  while ((await manager.readWireless(path, signal)).lastScan === lastScan) await clock.sleep(scanPollMs, signal);
  return true;
}

/** Saves a network, or changes the profile that is saved for it. It is tried out when it is the one in use. */
export async function addWifi(
  { manager, changes }: WifiDeps,
  request: WifiRequest,
  signal: AbortSignal,
): Promise<void> {
  const wish = await wishOf(manager, request, signal);
  const saved = profilesOfSsid(await manager.listProfiles(signal), wish.ssid)[0];
  const settings = wifiSettings(wish, saved?.settings);
  const save = async (limit: AbortSignal) => {
    await namingPasswords(async () => {
      if (saved === undefined) await manager.addProfile(settings, limit);
      else await manager.updateProfile({ path: saved.path, settings }, limit);
    });
  };
  const use = saved === undefined ? undefined : await findUse(manager, saved, signal);
  if (saved === undefined || use === undefined) return await save(signal);
  await changes.begin({
    ...changeOf("add_wifi_configuration", use, saved),
    switchOver: { kind: "activate" },
    prepare: save,
  }, signal);
}

/** Removes the first saved profile of a network. The one in use only if the router is reached without it. */
export async function removeWifi({ manager, changes }: WifiDeps, ssid: string, signal: AbortSignal): Promise<void> {
  const profile = profilesOfText(await manager.listProfiles(signal), ssid)[0];
  if (profile === undefined) throw notFound();
  const use = await findUse(manager, profile, signal);
  if (use === undefined) return await manager.deleteProfile(profile.path, signal);
  await changes.begin({
    ...changeOf("remove_wifi_configuration", use, profile),
    switchOver: { kind: "delete" },
    prepare: () => Promise.resolve(),
  }, signal);
}

/** Connects to a saved network over this access point. */
export async function selectWifi(
  { manager, changes }: WifiDeps,
  { ssid, mac }: { ssid: string; mac: string },
  signal: AbortSignal,
): Promise<void> {
  const device = await findWifiDevice(manager, signal);
  const [profiles, accessPoints, active] = await Promise.all([
    manager.listProfiles(signal),
    manager.listAccessPoints(device.path, signal),
    manager.listActive(signal),
  ]);
  const profile = profilesOfText(profiles, ssid)[0];
  if (profile === undefined || !accessPoints.some((point) => point.mac === mac)) throw notFound();
  const before = active.find(({ devices }) => devices.includes(device.path))?.uuid;
  await changes.begin({
    ...changeOf("select_wifi_network", device, profile),
    ...(before ? { undo: { profile: before } } : {}),
    switchOver: { kind: "activate", accessPointMac: mac },
    prepare: () => Promise.resolve(),
  }, signal);
}

/** Makes NetworkManager read its configuration again. */
export async function reloadWifi({ manager, changes }: WifiDeps, signal: AbortSignal): Promise<void> {
  const used = (await manager.listDevices(signal)).filter(({ activeConnection }) => activeConnection !== undefined);
  if (used.length === 0) return await manager.reload(signal);
  const wireless = used.find(({ type }) => type === wifiDevice);
  await changes.begin({
    method: "restart_wifi",
    interfaceName: (wireless ?? used[0])?.interfaceName ?? "",
    profile: "",
    devices: used.map(({ path }) => path),
    switchOver: { kind: "reload" },
    prepare: () => Promise.resolve(),
  }, signal);
}

async function wishOf(manager: NetworkManagerProxy, request: WifiRequest, signal: AbortSignal) {
  const { password, priority, mac } = request;
  const text = request.ssid;
  if (!mac) {
    const ssid = ssidBytes(text);
    const isSeen = await isInTheAir(manager, ssid, signal);
    return { ssid, security: request.security ?? "", password, priority, isHidden: !isSeen };
  }
  const device = await findWifiDevice(manager, signal);
  const accessPoint = (await manager.listAccessPoints(device.path, signal)).find((point) => point.mac === mac);
  if (accessPoint === undefined) throw notFound();
  const security = wifiSecurity(accessPoint);
  const isHidden = accessPoint.ssid.every((byte) => byte === 0);
  return { ssid: isHidden ? ssidBytes(text) : accessPoint.ssid, security, password, priority, isHidden };
}

/** A network that does not announce its name has to be asked for. */
async function isInTheAir(manager: NetworkManagerProxy, ssid: Uint8Array, signal: AbortSignal): Promise<boolean> {
  const devices = (await manager.listDevices(signal)).filter(({ type }) => type === wifiDevice);
  const lists = await Promise.all(devices.map(({ path }) => manager.listAccessPoints(path, signal)));
  return lists.flat().some((point) => isSameSsid(point.ssid, ssid));
}

function profilesOfText(profiles: readonly SavedProfile[], ssid: string): SavedProfile[] {
  const bytes = ssidBytes(ssid);
  const exact = profilesOfSsid(profiles, bytes);
  return exact.length > 0 ? exact : profiles.filter((profile) => ssidText(ssidOf(profile)) === ssid);
}

function ssidOf(profile: SavedProfile): Uint8Array {
  const value = profile.settings.get("802-11-wireless")?.get("ssid")?.value;
  return value instanceof Uint8Array ? value : new Uint8Array();
}

/** The device that uses a profile. */
async function findUse(
  manager: NetworkManagerProxy,
  { path }: SavedProfile,
  signal: AbortSignal,
): Promise<NetworkDevice | undefined> {
  const [active, devices] = await Promise.all([manager.listActive(signal), manager.listDevices(signal)]);
  const using = active.find(({ profile }) => profile === path)?.devices ?? [];
  return devices.find((device) => using.includes(device.path));
}

function changeOf(
  method: string,
  device: NetworkDevice,
  profile: SavedProfile,
): Pick<Change, "method" | "interfaceName" | "profile" | "devices"> {
  const uuid = profileText(profile, ["connection", "uuid"]);
  return { method, interfaceName: device.interfaceName, profile: uuid, devices: [device.path] };
}

/** NetworkManager names the key that it does not accept. */
async function namingPasswords(save: () => Promise<void>): Promise<void> {
  try {
    await save();
  } catch (error) {
    if (isBusRefusal(error) && /\b(?:psk|wep-key\d?)\b/.test(error.text)) {
      throw new AgentError("bad_request", wrongPasswordText);
    }
    throw error;
  }
}
