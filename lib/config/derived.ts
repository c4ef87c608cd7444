/** Values that follow from the device's config. Pure. */

import { registryHost } from "../model/registry_host.ts";
import type { DeviceConfig } from "./flock.ts";

/** Routers of the first devices, whose certificates no authority has signed. */
const legacyHosts: readonly string[] = ["devices.ironflock.com", "devices.reswarm.io"];
const legacyPort = "8080";

/** The identity of the device at the router: `<swarm key>-<device key>`. */
export function authid(config: Pick<DeviceConfig, "swarmKey" | "deviceKey">): string {
  return `${config.swarmKey}-${config.deviceKey}`;
}

/**
 * True for a legacy endpoint: there the device presents its client certificate and does not verify the server. So the
 * parsed host is compared as a whole; a name or a path that only looks like one of them is none.
 */
export function usesClientCertificate(url: string): boolean {
  const { protocol, hostname, port, username, password } = URL.parse(url) ?? {};
  const isPlain = username === "" && password === "";
  return protocol === "wss:" && isPlain && port === legacyPort && legacyHosts.includes(hostname ?? "");
}

/** Which entry of the version index counts: the environment, or what the endpoint implies. */
export function updateChannel(config: Pick<DeviceConfig, "environment" | "endpointUrl">): string {
  if (config.environment !== "") return config.environment;
  if (config.endpointUrl.includes("datapods")) return "test";
  return config.endpointUrl.includes("record-evolution") ? "production" : "local";
}

/** The base address of downloads, without adding or removing a slash. `flag` is the value of `-remoteUpdateURL`. */
export function downloadBase(config: Pick<DeviceConfig, "updateUrl">, flag: string): string {
  return config.updateUrl === "" ? flag : config.updateUrl;
}

/** The hosts of the device's own registry: that of its config, and on an appliance its name there. */
export function ownRegistries(config: Pick<DeviceConfig, "registryUrl" | "applianceDomain">): string[] {
  const domain = registryHost(config.applianceDomain);
  const hosts = [registryHost(config.registryUrl), domain === "" ? "" : `registry.${domain}`];
  return hosts.filter((host, index) => host !== "" && hosts.indexOf(host) === index);
}

/** The domain that apps get for their tunnels. It does not follow the endpoint. */
export function tunnelDomain(config: Pick<DeviceConfig, "applianceDomain" | "environment">): string {
  if (config.applianceDomain !== "") return config.applianceDomain;
  return config.environment === "local" ? "localhost" : productDomain(config.environment);
}

/**
 * The host of the tunnel server: that of an appliance; else the endpoint's, with `app` in place of its first label
 * unless it is an address, this machine or a single label; else the one of the environment.
 */
export function tunnelServer(config: Pick<DeviceConfig, "applianceDomain" | "environment" | "endpointUrl">): string {
  if (config.applianceDomain !== "") return config.applianceDomain;
  const host = findHost(config.endpointUrl)?.host;
  if (host === undefined) return tunnelDomain(config);
  const labels = host.split(".");
  const isKept = host === "host.docker.internal" || labels.length < 2 || isAddress(host);
  return isKept ? host : ["app", ...labels.slice(1)].join(".");
}

/**
 * The endpoint as apps reach it: a host that means this machine becomes `host.docker.internal`, everything else stays
 * as it is, also what is no URL.
 */
export function endpointForApps(url: string): string {
  const found = findHost(url);
  if (found === undefined || !isLoopbackHost(found.host)) return url;
  return `${url.slice(0, found.start)}host.docker.internal${url.slice(found.end)}`;
}

/** The page of the device in Studio; undefined while the base URL is not known. */
export function deviceUrl(
  config: Pick<DeviceConfig, "swarmOwnerName" | "swarmName" | "name">,
  baseUrl: string | undefined,
): string | undefined {
  if (!baseUrl) return undefined;
  return `${baseUrl}/${config.swarmOwnerName}/swarms/${config.swarmName}/settings/devices/${config.name}`;
}

function productDomain(environment: string): string {
  return environment === "test" ? "app.ironflock.dev" : "app.ironflock.com";
}

/** The host of a URL without brackets, and where it stands with them; undefined when there is none. */
function findHost(url: string): { host: string; start: number; end: number } | undefined {
  const match = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?(\[[^\]/?#]*\]|[^:/?#]*)(?::\d*)?(?=[/?#]|$)/di.exec(url);
  const [start, end] = match?.indices?.[1] ?? [0, 0];
  const host = url.slice(start, end).replace(/^\[|\]$/g, "");
  return host === "" ? undefined : { host, start, end };
}

function isLoopbackHost(host: string): boolean {
  return host.toLowerCase() === "localhost" || /^127(\.\d{1,3}){3}$/.test(host) || isIpv6Loopback(host);
}

function isIpv6Loopback(host: string): boolean {
  return host.includes(":") && /^[0:]*:0*1$/.test(host);
}

function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || host.includes(":");
}
