/** Decides how the tunnel client is configured: which server, which way, which proxies. Pure. */

import { createHmac } from "node:crypto";
import { tunnelServer } from "../config/derived.ts";
import type { DeviceConfig } from "../config/flock.ts";
import { chooseProxy, type ProxySettings } from "../wamp/proxy.ts";
import { type TunnelProxy, usesRemotePort } from "./tunnel_proxy.ts";

/** What the tunnel client needs of the device's config. */
export type TunnelSite = Pick<
  DeviceConfig,
  "secret" | "deviceKey" | "applianceDomain" | "environment" | "endpointUrl"
>;

/** How the server is reached. */
export interface ServerAddress {
  host: string;
  port: number;
  protocol: "tcp" | "wss";
  /** Undefined to go directly. It may hold a login. */
  proxy: URL | undefined;
}

/** The environment's proxies: `tcp` for plain connections, which only a lower-case `http_proxy` is for. */
export interface TunnelProxySettings {
  wss: ProxySettings;
  tcp: ProxySettings;
}

/** What a configuration is made of. */
export interface ClientConfig {
  server: ServerAddress;
  /** Undefined for a device without an identity. */
  proof: string | undefined;
  admin: AdminAccess;
  logFile: string;
  proxies: readonly TunnelProxy[];
}

/** Where the client is asked, on loopback, and what it wants to hear. */
export interface AdminAccess {
  port: number;
  user: string;
  password: string;
}

const standardPort = 7_000;
const localPort = 7_400;
const localHosts: readonly string[] = ["localhost", "127.0.0.1", "host.docker.internal"];

/**
 * The server for this device. On an appliance that is reached with `wss` everything goes through its web port; else the
 * connection is TLS on a port of its own, to the endpoint's address if it is one, because no name may be known for it.
 * Throws `connect_failed` when the environment names a proxy that is none.
 */
export function serverAddress(site: TunnelSite, proxies: TunnelProxySettings): ServerAddress {
  const isWss = site.applianceDomain !== "" && site.endpointUrl.startsWith("wss://");
  const host = isWss ? tunnelServer(site) : endpointAddress(site.endpointUrl) ?? tunnelServer(site);
  const port = localHosts.includes(host) ? localPort : isWss ? 443 : standardPort;
  const scheme = isWss ? "https" : "http";
  const url = URL.parse(`${scheme}://${host.includes(":") ? `[${host}]` : host}:${isWss ? 443 : port}`);
  const proxy = url === null ? undefined : chooseProxy(url, isWss ? proxies.wss : proxies.tcp);
  return { host, port, protocol: isWss ? "wss" : "tcp", proxy };
}

/** Reads the proxies as the tunnel client itself would: for plain connections the lower-case `http_proxy` only. */
export function readTunnelProxies(
  environment: { get(name: string): string | undefined },
  { os, standard }: { os: string; standard: ProxySettings },
): TunnelProxySettings {
  const http = environment.get("http_proxy")?.trim() || (os === "windows" ? standard.http : "");
  return { wss: standard, tcp: { http, https: "", none: standard.none } };
}

/** What the server recognizes the device by: an HMAC-SHA256 in base64url. */
export function tunnelProof({ secret, deviceKey }: Pick<TunnelSite, "secret" | "deviceKey">): string | undefined {
  if (secret === "" || deviceKey <= 0) return undefined;
  return createHmac("sha256", secret).update(`tunnel-authz:v1:${deviceKey}`).digest("base64url");
}

/** The text of the configuration, as YAML. The same values result in the same text. */
export function formatClientConfig({ server, proof, admin, logFile, proxies }: ClientConfig): string {
  return [
    `serverAddr: ${quoteYaml(server.host)}`,
    `serverPort: ${server.port}`,
    "transport:",
    ...(server.protocol === "wss" ? ['  protocol: "wss"'] : []),
    // Empty is not the same as absent, which stands for the environment.
    `  proxyURL: ${quoteYaml(proxyText(server.proxy))}`,
    "  tls:",
    "    enable: true",
    ...(proof === undefined ? [] : ["metadatas:", `  tunnel_proof: ${quoteYaml(proof)}`]),
    "webServer:",
    '  addr: "127.0.0.1"',
    `  port: ${admin.port}`,
    `  user: ${quoteYaml(admin.user)}`,
    `  password: ${quoteYaml(admin.password)}`,
    "log:",
    `  to: ${quoteYaml(logFile)}`,
    '  level: "debug"',
    "  maxDays: 3",
    // Otherwise one login that fails ends the client.
    "loginFailExit: false",
    ...(proxies.length === 0 ? [] : ["proxies:", ...proxies.flatMap(proxyLines)]),
    "",
  ].join("\n");
}

function proxyLines(proxy: TunnelProxy): string[] {
  return [
    `  - name: ${quoteYaml(proxy.name)}`,
    `    type: ${quoteYaml(proxy.protocol)}`,
    ...(proxy.localIp === "" ? [] : [`    localIP: ${quoteYaml(proxy.localIp)}`]),
    `    localPort: ${proxy.localPort}`,
    ...(usesRemotePort(proxy.protocol)
      ? proxy.remotePort === 0 ? [] : [`    remotePort: ${proxy.remotePort}`]
      : [`    subdomain: ${quoteYaml(proxy.subdomain)}`]),
  ];
}

/** A YAML text. Braces are written as numbers: the client fills in the file as a template before it reads it. */
function quoteYaml(text: string): string {
  return JSON.stringify(text).replace(/[{}\u007f-\uffff]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** The client knows `socks5` only by this name. */
function proxyText(proxy: URL | undefined): string {
  if (proxy === undefined) return "";
  return proxy.href.replace(/^socks(?:5h)?:/, "socks5:").replace(/\/$/, "");
}

/** The host of an endpoint that is an address of another machine. */
function endpointAddress(endpointUrl: string): string | undefined {
  const host = URL.parse(endpointUrl)?.hostname.replace(/^\[|\]$/g, "") ?? "";
  const isAddress = /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(":");
  return isAddress && !host.startsWith("127.") && host !== "::1" ? host : undefined;
}
