/** Tells when the machine's own network changes: an address, a default route, or the state of the link below one. */

import type { Clock } from "../async/clock.ts";
import { isCanceled } from "../base/errors.ts";

/** What a fingerprint is made of; texts are the kernel's own tables, empty where the system has none. */
export interface NetworkState {
  addresses: readonly { name: string; address: string }[];
  /** `/proc/net/route` */
  routes: string;
  /** `/proc/net/ipv6_route` */
  routesV6: string;
}

/** How a watch reads the network; tests bring their own. */
export interface NetworkReader {
  facts(): Promise<NetworkState>;
  /** `up`, `down`, … of an interface; empty when unknown. */
  linkState(name: string): Promise<string>;
}

const intervalMs = 1_000;

// Containers that come and go make and remove these all the time; the way to the router never leads through them.
const ownInterfaces = /^(lo\d*|docker\d+|br-|veth|cni|virbr)/;
const linkLocal = /^(fe[89ab][0-9a-f]:|169\.254\.)/i;

/**
 * Gives one item per change, looking once a second; ends when `signal` does. There is no netlink in the runtime, a look
 * costs less than a millisecond, and a link listens only while it is down. Where the kernel's tables cannot be read (not
 * Linux, or a program without all permissions) only addresses are seen.
 */
export async function* watchNetworkChanges(
  options: { clock: Clock; reader?: NetworkReader },
  signal: AbortSignal,
): AsyncGenerator<void, void, void> {
  const reader = options.reader ?? systemReader;
  let seen = await readFingerprint(reader);
  while (!signal.aborted) {
    try {
      await options.clock.sleep(intervalMs, signal);
    } catch (error) {
      if (isCanceled(error)) return;
      throw error;
    }
    const current = await readFingerprint(reader);
    if (current === seen) continue;
    seen = current;
    yield;
  }
}

/** A text that differs when the network does: addresses, default routes, and the state of the links they lead through. */
export async function readFingerprint(reader: NetworkReader): Promise<string> {
  const facts = await reader.facts();
  const routes = [...defaultRoutes(facts.routes), ...defaultRoutesV6(facts.routesV6)];
  const names = [...new Set(routes.map((route) => route.name))].sort();
  const states = await Promise.all(names.map(async (name) => `${name} is ${await reader.linkState(name)}`));
  const addresses = facts.addresses
    .filter(({ name, address }) => !ownInterfaces.test(name) && !linkLocal.test(address))
    .map(({ name, address }) => `${name} has ${address}`);
  const ways = routes.map(({ name, gateway }) => `${name} leads to ${gateway}`);
  return [...addresses.sort(), ...ways.sort(), ...states].join("\n");
}

/** Columns: interface, destination, gateway, flags, …; numbers in hexadecimal. */
function defaultRoutes(table: string): { name: string; gateway: string }[] {
  return rowsOf(table)
    .filter((columns) => columns[1] === "00000000" && columns[7] === "00000000")
    .map((columns) => ({ name: columns[0] ?? "", gateway: columns[2] ?? "" }))
    .filter(({ name }) => !ownInterfaces.test(name));
}

/** Columns: destination, its length, source, its length, gateway, metric, uses, references, flags, interface. */
function defaultRoutesV6(table: string): { name: string; gateway: string }[] {
  return rowsOf(table)
    .filter((columns) => columns[1] === "00" && /^0{32}$/.test(columns[0] ?? ""))
    .map((columns) => ({ name: columns[9] ?? "", gateway: columns[4] ?? "" }))
    .filter(({ name }) => name !== "" && !ownInterfaces.test(name));
}

function rowsOf(table: string): string[][] {
  return table.split("\n").map((line) => line.trim().split(/\s+/)).filter((columns) => columns.length >= 8);
}

const systemReader: NetworkReader = {
  async facts() {
    return {
      addresses: Deno.networkInterfaces(),
      routes: await readIfThere("/proc/net/route"),
      routesV6: await readIfThere("/proc/net/ipv6_route"),
    };
  },
  async linkState(name) {
    return (await readIfThere(`/sys/class/net/${name}/operstate`)).trim();
  },
};

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    // Not Linux, not permitted, no IPv6, or an interface that has just gone: there is nothing to see.
    return "";
  }
}
