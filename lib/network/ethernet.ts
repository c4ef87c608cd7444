/** Ethernet: the devices with their addresses, and changes of these. */

import { AgentError } from "../base/errors.ts";
import type { NetworkDevice, NetworkManagerProxy, SavedProfile } from "../dbus/network_manager.ts";
import type { GuardedChanges } from "./guarded_changes.ts";
import { checkAddress, checkGateway, ipv4Of, wantedIpv4, withIpv4 } from "./ipv4.ts";
import type { EthernetDevice, Ipv4Request } from "./network_shapes.ts";
import { ethernetType, profileText } from "./profiles.ts";

/** What Ethernet needs. */
export interface EthernetDeps {
  manager: NetworkManagerProxy;
  changes: GuardedChanges;
}

const ethernetDevice = 1;
const pairedDevice = 20;
const unmanagedState = 10;

/** The devices. */
export async function listEthernet({ manager }: EthernetDeps, signal: AbortSignal): Promise<EthernetDevice[]> {
  const [devices, profiles, active] = await Promise.all([
    manager.listDevices(signal),
    manager.listProfiles(signal),
    manager.listActive(signal),
  ]);
  const listed = devices.filter(isEthernet).filter((device) => deviceName(device) !== "" || device.activeConnection);
  return await Promise.all(listed.map(async (device) => {
    const inUse = active.find(({ path }) => path === device.activeConnection)?.profile;
    const profile = profiles.find(({ path }) => path === inUse) ?? profileFor(profiles, deviceName(device));
    const [macs, ipv4, ipv6] = await Promise.all([
      manager.readWiredMacs(device.path, signal),
      manager.readIpConfig(device.ip4Config, 4, signal),
      manager.readIpConfig(device.ip6Config, 6, signal),
    ]);
    return {
      interfaceName: deviceName(device),
      mac: macs.permanentMac || macs.mac || device.mac,
      ipv4: device.ip4Config === undefined && profile !== undefined ? ipv4Of(profile).addresses : ipv4.addresses,
      ipv6: ipv6.addresses,
      method: profile === undefined ? "" : profileText(profile, ["ipv4", "method"]),
    };
  }));
}

/**
 * Sets the IPv4 address of a device. Everything that can be known before is checked before: throws `bad_request` with a
 * sentence, `not_available` ("not found") for an unknown device, `busy`, and what NetworkManager refuses.
 */
export async function updateIpv4(
  { manager, changes }: EthernetDeps,
  { mac, interfaceName, wish }: Ipv4Request,
  signal: AbortSignal,
): Promise<void> {
  if (wish.method === "manual") checkAddress(wish);
  const [devices, profiles, active] = await Promise.all([
    manager.listDevices(signal),
    manager.listProfiles(signal),
    manager.listActive(signal),
  ]);
  const device = await findDeviceOf(manager, { devices, mac, interfaceName }, signal);
  const inUse = active.find(({ path }) => path === device?.activeConnection)?.profile;
  const profile = profiles.find(({ path }) => path === inUse) ?? profileFor(profiles, interfaceName);
  if (profile === undefined) throw notFound();
  const current = await manager.readIpConfig(device?.ip4Config, 4, signal);
  if (wish.method === "manual") checkGateway(wish, current.gateway);
  const settings = withIpv4(profile, wantedIpv4(wish, current));
  const save = (limit: AbortSignal) => manager.updateProfile({ path: profile.path, settings }, limit);
  if (device === undefined) return await save(signal);
  const uuid = profileText(profile, ["connection", "uuid"]);
  await changes.begin({
    method: "update_ipv4_config",
    interfaceName: device.interfaceName,
    profile: uuid,
    devices: [device.path],
    switchOver: { kind: "activate" },
    undo: { profile: uuid, ipv4: ipv4Of(profile) },
    prepare: save,
  }, signal);
}

/** The answer to whoever names something that is not there. */
export function notFound(): AgentError {
  return new AgentError("not_available", "not found");
}

/** Either of the two MAC addresses of a device names it, else the name of its interface. */
async function findDeviceOf(
  manager: NetworkManagerProxy,
  { devices, mac, interfaceName }: { devices: readonly NetworkDevice[]; mac: string; interfaceName: string },
  signal: AbortSignal,
): Promise<NetworkDevice | undefined> {
  const isMac = (text: string) => text !== "" && text.toLowerCase() === mac.toLowerCase();
  const wired = devices.filter(isEthernet);
  const macs = await Promise.all(wired.map(({ path }) => manager.readWiredMacs(path, signal)));
  const byMac = wired.filter((device, index) => isMac(device.mac) || isMac(macs[index]?.permanentMac ?? ""));
  const byName = (device: NetworkDevice) => deviceName(device) === interfaceName;
  // Bridges and their ports may share one.
  return byMac.find(byName) ?? byMac[0] ?? wired.find(byName);
}

/** Ends of pairs that NetworkManager leaves alone belong to containers. */
function isEthernet({ type, state }: NetworkDevice): boolean {
  return type === ethernetDevice || (type === pairedDevice && state > unmanagedState);
}

function deviceName({ ipInterface, interfaceName }: NetworkDevice): string {
  return ipInterface || interfaceName;
}

function profileFor(profiles: readonly SavedProfile[], interfaceName: string): SavedProfile | undefined {
  if (interfaceName === "") return undefined;
  const named = profiles.filter((profile) => profileText(profile, ["connection", "interface-name"]) === interfaceName);
  return named.find((profile) => profileText(profile, ["connection", "type"]) === ethernetType) ?? named[0];
}
