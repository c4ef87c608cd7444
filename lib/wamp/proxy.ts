/** Decides whether a dial goes through a proxy, and through which. Pure. */

import { BlockList, isIP } from "node:net";
import { AgentError } from "../base/errors.ts";

/** The proxy variables of the environment, read once per process. Empty text means not set. */
export interface ProxySettings {
  /** For `ws`. */
  http: string;
  /** For `wss`. */
  https: string;
  /** Hosts that are reached directly, separated by commas. */
  none: string;
}

/** Settings without any proxy. */
export const noProxies: ProxySettings = { http: "", https: "", none: "" };

/** Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in upper case first, then in lower case. Blank is not set. */
export function readProxySettings(environment: { get(name: string): string | undefined }): ProxySettings {
  const read = (name: string) => environment.get(name)?.trim() || environment.get(name.toLowerCase())?.trim() || "";
  return { http: read("HTTP_PROXY"), https: read("HTTPS_PROXY"), none: read("NO_PROXY") };
}

/**
 * The proxy for a WebSocket URL, or undefined to go directly. `localhost` and loopback addresses are never proxied.
 * Throws `connect_failed` when the variable does not hold a usable URL.
 */
export function chooseProxy(url: URL, settings: ProxySettings): URL | undefined {
  const isSecure = url.protocol === "wss:" || url.protocol === "https:";
  const text = isSecure ? settings.https : settings.http;
  const host = withoutBrackets(url.hostname);
  if (text === "" || isLoopback(host)) return undefined;
  const port = url.port || (isSecure ? "443" : "80");
  if (settings.none.split(",").some((entry) => isCovered(host, port, entry.trim().toLowerCase()))) return undefined;
  return parseProxy(text);
}

/** The TCP address of a proxy. */
export function proxyAddress(proxy: URL): { host: string; port: number } {
  const standard = proxy.protocol.startsWith("socks") ? 1080 : proxy.protocol === "https:" ? 443 : 80;
  return { host: withoutBrackets(proxy.hostname), port: Number(proxy.port || standard) };
}

/** The host of a URL in lower case; an IPv6 address loses its brackets. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "").toLowerCase();
}

function parseProxy(text: string): URL {
  const known = ["http:", "https:", "socks5:", "socks5h:", "socks:"];
  const full = text.includes("://") ? text : `http://${text}`;
  if (!URL.canParse(full) || !known.includes(new URL(full).protocol) || new URL(full).hostname === "") {
    throw new AgentError("connect_failed", "Cannot use the proxy of the environment: it is not an http or socks5 URL");
  }
  return new URL(full);
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" ||
    (isIP(host) === 4 && host.startsWith("127."));
}

/**
 * One entry of NO_PROXY: `*`, a name (with its subdomains), `.name` (only those), an address, a subnet; all with
 * `:port`.
 */
function isCovered(host: string, port: string, entry: string): boolean {
  if (entry === "*") return true;
  if (entry === "") return false;
  if (entry.includes("/")) return isInSubnet(host, entry);
  const withPort = isIP(entry) === 6 ? null : /^(.*):(\d+)$/.exec(entry);
  if (withPort !== null && withPort[2] !== port) return false;
  const name = withoutBrackets(withPort?.[1] ?? entry).replace(/^\*(?=\.)/, "");
  if (isIP(host) !== 0) return host === name;
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function isInSubnet(host: string, entry: string): boolean {
  const [network = "", bits = ""] = entry.split("/");
  const version = isIP(host);
  if (version === 0 || version !== isIP(network) || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (version === 4 ? 32 : 128)) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(network, Number(bits), family);
  return list.check(host, family);
}
