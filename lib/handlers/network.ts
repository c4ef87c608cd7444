/** The network addresses of the device. */

import { usableIpv4 } from "../host/addresses.ts";
import type { Reply } from "../wamp/invocations.ts";
import type { Device } from "./device.ts";

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
