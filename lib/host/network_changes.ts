/** Reports changes of the machine's own network: an address, a default route, or the state of the link below one. */

import type { Clock } from "../async/clock.ts";
import { isCanceled } from "../base/errors.ts";
import { readSystemFile } from "./system_file.ts";

/** What a fingerprint is made of. The texts are the kernel's own tables, empty where the system has none. */
export interface NetworkState {
  addresses: readonly { name: string; address: string }[];
  /** `/proc/net/route` */
  routes: string;
  /** `/proc/net/ipv6_route` */
  routesV6: string;
}

/** Reads the network; tests bring their own. */
export interface NetworkReader {
  state(): NetworkState;
  /** `up`, `down`, … of an interface; empty when unknown. */
  linkState(name: string): string;
}

const intervalMs = 1_000;

// Containers that start and stop create and remove these all the time; they never lead to the router.
const localInterfaces = /^(lo\d*|docker\d+|br-|veth|cni|virbr)/;
const linkLocal = /^(fe[89ab][0-9a-f]:|169\.254\.)/i;

/**
 * Yields once per change and ends when `signal` is aborted. Looks once a second: the runtime has no netlink, a look
 * costs less than a millisecond, and a link watches only while it is down. Where the kernel's tables cannot be read
 * (not Linux, or a program without all permissions), only addresses count.
 */
export async function* watchNetworkChanges(
  options: { clock: Clock; reader?: NetworkReader },
  signal: AbortSignal,
): AsyncGenerator<void, void, void> {
  const reader = options.reader ?? systemReader;
  let last = readFingerprint(reader);
  while (!signal.aborted) {
    try {
      await options.clock.sleep(intervalMs, signal);
    } catch (error) {
      if (isCanceled(error)) return;
      throw error;
    }
    const current = readFingerprint(reader);
    if (current === last) continue;
    last = current;
    yield;
  }
}

/** A text that changes with the network: addresses, default routes, and the state of the links below the routes. */
export function readFingerprint(reader: NetworkReader): string {
  const state = reader.state();
  const routes = [...defaultRoutes(state.routes), ...defaultRoutesV6(state.routesV6)];
  const names = [...new Set(routes.map((route) => route.name))].sort();
  const links = names.map((name) => `${name} is ${reader.linkState(name)}`);
  const addresses = state.addresses
    .filter(({ name, address }) => !localInterfaces.test(name) && !linkLocal.test(address))
    .map(({ name, address }) => `${name} has ${address}`);
  const gateways = routes.map(({ name, gateway }) => `${name} leads to ${gateway}`);
  return [...addresses.sort(), ...gateways.sort(), ...links].join("\n");
}

/** Columns: interface, destination, gateway, flags, …; numbers in hexadecimal. */
function defaultRoutes(table: string): { name: string; gateway: string }[] {
  return rowsOf(table)
    .filter((columns) => columns[1] === "00000000" && columns[7] === "00000000")
    .map((columns) => ({ name: columns[0] ?? "", gateway: columns[2] ?? "" }))
    .filter(({ name }) => !localInterfaces.test(name));
}

/** Columns: destination, its length, source, its length, gateway, metric, uses, references, flags, interface. */
function defaultRoutesV6(table: string): { name: string; gateway: string }[] {
  return rowsOf(table)
    .filter((columns) => columns[1] === "00" && /^0{32}$/.test(columns[0] ?? ""))
    .map((columns) => ({ name: columns[9] ?? "", gateway: columns[4] ?? "" }))
    .filter(({ name }) => name !== "" && !localInterfaces.test(name));
}

function rowsOf(table: string): string[][] {
  return table.split("\n").map((line) => line.trim().split(/\s+/)).filter((columns) => columns.length >= 8);
}

const systemReader: NetworkReader = {
  state: () => ({
    addresses: Deno.networkInterfaces(),
    routes: readSystemFile("/proc/net/route") ?? "",
    routesV6: readSystemFile("/proc/net/ipv6_route") ?? "",
  }),
  linkState: (name) => (readSystemFile(`/sys/class/net/${name}/operstate`) ?? "").trim(),
};
