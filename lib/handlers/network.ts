/** The network of the device: its addresses, its Ethernet devices, and Wi-Fi. */

import { usableIpv4 } from "../host/addresses.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { AddressOnDevice, Ipv4Request, WifiRequest } from "../network/network_shapes.ts";
import type { Device } from "./device.ts";
import type { Call } from "./procedure.ts";

/** `get_network_metadata`: one positional argument for each address. Keeps the wire names `IP` and `Mask` (base64). */
export function getNetworkMetadata(device: Device): Reply {
  return {
    args: device.network.readInterfaces().map(({ address, netmask, family }) => ({
      IP: address,
      Mask: maskText(netmask, family),
    })),
  };
}

/** `get_ipv4_addresses`: where the device can be reached in its network, one list. */
export function getIpv4Addresses(device: Device): Reply {
  const usable = usableIpv4(device.network.readInterfaces());
  return { args: [usable.map(({ interfaceName, address }) => ({ interfaceName, ip: address }))] };
}

/** `list_ethernet_devices`: one positional argument for each device. */
export async function listEthernetDevices({ network }: Device, _input: void, { signal }: Call): Promise<Reply> {
  const devices = await network.listEthernet(signal);
  const encoded = devices.map(({ interfaceName, mac, ipv4, ipv6, method }) => {
    return { interfaceName, mac, ipv4: ipv4.map(encodeAddress), ipv6: ipv6.map(encodeAddress), method };
  });
  return { args: encoded };
}

/** `update_ipv4_config`: answers before the link is touched; the end follows on `network_change`. */
export async function updateIpv4Config({ network }: Device, request: Ipv4Request, { signal }: Call): Promise<Reply> {
  await network.updateIpv4(request, signal);
  return {};
}

/** `list_wifi_networks`: one positional argument for each network, and the addresses of the device as keywords. */
export async function listWifiNetworks({ network }: Device, _input: void, { signal }: Call): Promise<Reply> {
  const { networks, ipv4, ipv6 } = await network.listWifi(signal);
  const encoded = networks.map((one) => ({ ...one }));
  return { args: encoded, kwargs: { ipv4: ipv4.map(encodeAddress), ipv6: ipv6.map(encodeAddress) } };
}

/** `scan_wifi_networks`: answers when the scan is over. */
export async function scanWifiNetworks({ network }: Device, _input: void, { signal }: Call): Promise<Reply> {
  await network.scanWifi(signal);
  return {};
}

/** `add_wifi_configuration`: saves a network; it is not connected to. */
export async function addWifiConfiguration(
  { network }: Device,
  request: WifiRequest,
  { signal }: Call,
): Promise<Reply> {
  await network.addWifi(request, signal);
  return {};
}

/** `remove_wifi_configuration`: removes the first saved profile of a network. */
export async function removeWifiConfiguration({ network }: Device, ssid: string, { signal }: Call): Promise<Reply> {
  await network.removeWifi(ssid, signal);
  return {};
}

/** `select_wifi_network`: answers before the device connects to it; the end follows on `network_change`. */
export async function selectWifiNetwork(
  { network }: Device,
  choice: { ssid: string; mac: string },
  { signal }: Call,
): Promise<Reply> {
  await network.selectWifi(choice, signal);
  return {};
}

/** `restart_wifi`: NetworkManager reads its configuration again. */
export async function restartWifi({ network }: Device, _input: void, { signal }: Call): Promise<Reply> {
  await network.restartWifi(signal);
  return {};
}

function encodeAddress({ address, prefix }: AddressOnDevice): { Address: string; Prefix: number } {
  return { Address: address, Prefix: prefix };
}

/**
 * The bytes of a mask in base64: 4 for IPv4, 16 for IPv6. Only its one bits are counted, because they are contiguous.
 */
function maskText(netmask: string, family: "IPv4" | "IPv6"): string {
  const bytes = new Uint8Array(family === "IPv4" ? 4 : 16);
  const groups = family === "IPv4" ? netmask.split(".").map(Number) : expandGroups(netmask);
  const groupBits = family === "IPv4" ? 8 : 16;
  let ones = groups.reduce((sum, group) => sum + countOnes(group), 0);
  ones = Math.min(ones, groups.length * groupBits, bytes.length * 8);
  for (const index of bytes.keys()) {
    const bits = Math.min(Math.max(ones - index * 8, 0), 8);
    bytes[index] = (0xff << (8 - bits)) & 0xff;
  }
  return bytes.toBase64();
}

/** The groups of an IPv6 mask; those left out by `::` are zero and do not count. */
function expandGroups(mask: string): number[] {
  return mask.split(":").filter((group) => group !== "").map((group) => parseInt(group, 16));
}

function countOnes(value: number): number {
  let rest = Number.isFinite(value) ? value >>> 0 : 0;
  let ones = 0;
  for (; rest !== 0; rest >>>= 1) ones += rest & 1;
  return ones;
}
