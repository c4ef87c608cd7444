/** Reads the arguments of the procedures of the network. Every text is that of the wire contract. */

import { AgentError } from "../base/errors.ts";
import { type Dict, isCount, isDict } from "../base/json.ts";
import type { Ipv4Request, WifiRequest } from "../network/network_shapes.ts";
import type { Call } from "./procedure.ts";

/** Characters of a text; longer ones are no names, addresses or passwords. */
const networkTextLimit = 256;

/**
 * `update_ipv4_config`: `[{method, mac, interfaceName, ipv4?, prefix?}]`. Any method but `auto` is a static address.
 */
export function decodeIpv4Request({ args }: Call): Ipv4Request {
  if (args.length === 0) throw misread("failed to parse args, payload is missing");
  const request = args[0];
  if (!isDict(request)) throw misread("failed to parse payload");
  const text = (key: string, name: string) => {
    const value = readLimited(request[key]);
    if (value === undefined) throw misread(`failed to parse ${name} parameter`);
    return value;
  };
  const method = text("method", "method");
  const mac = text("mac", "mac");
  const interfaceName = text("interfaceName", "interface");
  if (method === "auto") return { mac, interfaceName, wish: { method: "auto" } };
  const address = text("ipv4", "ipv4");
  const { prefix } = request;
  if (!isCount(prefix)) throw misread("failed to parse prefix parameter");
  return { mac, interfaceName, wish: { method: "manual", address, prefix } };
}

/** `add_wifi_configuration`: `[{ssid, password, priority, mac?, security?}]`. */
export function decodeWifiRequest({ args }: Call): WifiRequest {
  const request = wifiDict(args);
  const { priority } = request;
  const ssid = wifiText(request, { key: "ssid", name: "ssid" });
  const mac = optionalWifiText(request, { key: "mac", name: "mac" });
  const security = optionalWifiText(request, { key: "security", name: "securityType" });
  const password = wifiText(request, { key: "password", name: "password" });
  if (!isCount(priority)) throw misread("failed to parse priority, invalid type");
  return { ssid, mac, security, password, priority };
}

/** `remove_wifi_configuration`: `[{ssid}]`. */
export function decodeSsid({ args }: Call): string {
  return wifiText(wifiDict(args), { key: "ssid", name: "ssid" });
}

/** `select_wifi_network`: `[{ssid, mac}]`. */
export function decodeWifiChoice({ args }: Call): { ssid: string; mac: string } {
  const request = wifiDict(args);
  const ssid = wifiText(request, { key: "ssid", name: "ssid" });
  return { ssid, mac: wifiText(request, { key: "mac", name: "mac" }) };
}

function wifiDict(args: readonly unknown[]): Dict {
  if (args.length === 0) throw misread("args for add wifi config is empty");
  const request = args[0];
  if (!isDict(request)) throw misread("argument 1 of args is not a dictionary type");
  return request;
}

function wifiText(request: Dict, { key, name }: { key: string; name: string }): string {
  const value = readLimited(request[key]);
  if (value === undefined) throw misread(`failed to parse ${name}, invalid type`);
  return value;
}

function optionalWifiText(request: Dict, names: { key: string; name: string }): string | undefined {
  const value = request[names.key];
  return value === undefined || value === null ? undefined : wifiText(request, names);
}

function readLimited(value: unknown): string | undefined {
  return typeof value === "string" && value.length <= networkTextLimit ? value : undefined;
}

function misread(text: string): AgentError {
  return new AgentError("bad_request", text);
}
