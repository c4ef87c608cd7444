/** The network addresses of the device. */

import { readSystemFile } from "./system_file.ts";

/** One address of one network interface. */
export interface InterfaceAddress {
  interfaceName: string;
  family: "IPv4" | "IPv6";
  address: string;
  /** Written like an address: `255.255.255.0`, `ffff:ffff::`. */
  netmask: string;
}

/** All addresses of all interfaces, loopback included. */
export function readInterfaces(): InterfaceAddress[] {
  return Deno.networkInterfaces().map(({ name, family, address, netmask }) => ({
    interfaceName: name,
    family,
    address,
    netmask,
  }));
}

/**
 * The address under which the local network reaches the device: that of the interface through which it would reach the
 * internet, else the first usable IPv4 address that does not belong to a virtual bridge. Undefined when there is none.
 * Sends nothing.
 */
export function readLanAddress(): string | undefined {
  return chooseLanAddress(readInterfaces(), readSystemFile("/proc/net/route") ?? "");
}

/** The decision of `readLanAddress()`. `routes` is the text of Linux's `/proc/net/route`, empty elsewhere. Pure. */
export function chooseLanAddress(interfaces: InterfaceAddress[], routes: string): string | undefined {
  const usable = usableIpv4(interfaces);
  const outward = outwardInterface(routes);
  const chosen = usable.find(({ interfaceName }) => interfaceName === outward) ??
    usable.find(({ interfaceName }) => !/^(veth|br-)/.test(interfaceName));
  return chosen?.address;
}

/** The IPv4 addresses of the device itself: without 127.0.0.1, 0.0.0.0 and the interfaces of the container engine. */
export function usableIpv4(interfaces: InterfaceAddress[]): InterfaceAddress[] {
  return interfaces.filter(({ family, address, interfaceName }) =>
    family === "IPv4" && address !== "127.0.0.1" && address !== "0.0.0.0" && !interfaceName.includes("docker")
  );
}

/** An address of the internet, as the route table spells it: 8.8.8.8. */
const farAway = 0x08080808;

/** The interface that the kernel would choose: longest mask first, then lowest metric. */
function outwardInterface(routes: string): string | undefined {
  const matching = routes.split("\n").slice(1).map((line) => line.trim().split(/\s+/)).flatMap((columns) => {
    const [name = "", destination = "", , flags = "", , , metric = "", mask = ""] = columns;
    const isUp = (parseInt(flags, 16) & 1) === 1;
    const maskBits = parseInt(mask, 16);
    const isMatching = isUp && (((farAway ^ parseInt(destination, 16)) & maskBits) >>> 0) === 0;
    return isMatching && Number.isFinite(maskBits)
      ? [{ name, maskLength: lengthOfMask(maskBits), metric: Number(metric) }]
      : [];
  });
  return matching.sort((a, b) => b.maskLength - a.maskLength || a.metric - b.metric)[0]?.name;
}

function lengthOfMask(bits: number): number {
  let ones = 0;
  for (let rest = bits >>> 0; rest !== 0; rest >>>= 1) ones += rest & 1;
  return ones;
}
