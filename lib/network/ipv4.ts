/** IPv4 settings: what is asked for, whether that can work, and what it makes of a profile. Pure. */

import { AgentError } from "../base/errors.ts";
import { busVariant, readBusNumber } from "../dbus/bus_values.ts";
import { type IpConfig, type ProfileSettings, readAddresses, type SavedProfile } from "../dbus/network_manager.ts";
import type { Ipv4Settings } from "./change_record.ts";
import type { Ipv4Wish } from "./network_shapes.ts";
import { changedSettings, type GroupChange, valueOf } from "./profiles.ts";

/** Throws `bad_request` with a sentence unless a device could have this address in a network of this size. */
export function checkAddress({ address, prefix }: { address: string; prefix: number }): void {
  const number = readIpv4(address);
  const fail = (why: string) =>
    new AgentError("bad_request", `Cannot set the address ${quotedAddress(address)}: ${why}`);
  if (number === undefined) throw fail("it is not an IPv4 address");
  if (!Number.isInteger(prefix) || prefix < 1 || prefix > 32) throw fail("its prefix must be from 1 to 32");
  const first = number >>> 24;
  if (first === 0 || first === 127 || first >= 224) throw fail("no device can have it");
  const host = hostPart(number, prefix);
  if (prefix <= 30 && host === 0) throw fail(`it is the address of the network /${prefix} itself`);
  if (prefix <= 30 && host === 2 ** (32 - prefix) - 1) {
    throw fail(`it is the broadcast address of its network /${prefix}`);
  }
}

/**
 * Throws `bad_request` with a sentence when the device would lose its gateway. An empty gateway is none.
 */
export function checkGateway({ address, prefix }: { address: string; prefix: number }, gateway: string): void {
  const [own, router] = [readIpv4(address), readIpv4(gateway)];
  if (own === undefined || router === undefined) return;
  const fail = (why: string) => {
    return new AgentError("bad_request", `Cannot set the address ${address}/${prefix}: the gateway ${gateway} ${why}`);
  };
  if (own === router) throw fail("has this address");
  if (networkPart(own, prefix) !== networkPart(router, prefix)) throw fail("is outside this network");
}

/**
 * What a profile gets: DHCP brings its own; a static address keeps gateway and name servers that the device has now.
 */
export function wantedIpv4(wish: Ipv4Wish, current: Pick<IpConfig, "gateway" | "nameServers">): Ipv4Settings {
  if (wish.method === "auto") return { method: "auto", addresses: [], gateway: "", nameServers: [] };
  const { address, prefix } = wish;
  const { gateway, nameServers } = current;
  return { method: "manual", addresses: [{ address, prefix }], gateway, nameServers };
}

/** The IPv4 settings that a profile has. */
export function ipv4Of({ settings }: Pick<SavedProfile, "settings">): Ipv4Settings {
  const [method, gateway] = [valueOf(settings, ["ipv4", "method"]), valueOf(settings, ["ipv4", "gateway"])];
  const servers = valueOf(settings, ["ipv4", "dns"]);
  return {
    method: typeof method === "string" ? method : "auto",
    addresses: readAddresses(valueOf(settings, ["ipv4", "address-data"])),
    gateway: typeof gateway === "string" ? gateway : "",
    nameServers: Array.isArray(servers) ? servers.map((server) => readBusNumber(server, "dns")) : [],
  };
}

/** The settings of a profile with other IPv4 settings. Older spellings of the same keys are dropped. */
export function withIpv4({ settings }: Pick<SavedProfile, "settings">, ipv4: Ipv4Settings): ProfileSettings {
  const { method, addresses, gateway, nameServers } = ipv4;
  const entries = addresses.map(({ address, prefix }) => {
    return new Map([["address", busVariant("s", address)], ["prefix", busVariant("u", prefix)]]);
  });
  const ipv6: GroupChange | undefined = settings.has("ipv6") ? { addresses: undefined, routes: undefined } : undefined;
  return changedSettings(settings, {
    ipv4: {
      method: busVariant("s", method),
      addresses: undefined,
      "address-data": entries.length === 0 ? undefined : busVariant("aa{sv}", entries),
      gateway: gateway === "" ? undefined : busVariant("s", gateway),
      dns: nameServers.length === 0 ? undefined : busVariant("au", [...nameServers]),
      "dns-data": undefined,
    },
    ...(ipv6 === undefined ? {} : { ipv6 }),
  });
}

/** The number of an address as people write it; undefined for anything else. */
function readIpv4(text: string): number | undefined {
  if (!/^(?:(?:0|[1-9][0-9]{0,2})(?:\.|$)){4}$/.test(text) || text.endsWith(".")) return undefined;
  const bytes = text.split(".").map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

function hostPart(address: number, prefix: number): number {
  return address % 2 ** (32 - prefix);
}

function networkPart(address: number, prefix: number): number {
  return address - hostPart(address, prefix);
}

function quotedAddress(address: string): string {
  return JSON.stringify(address.slice(0, 40));
}
