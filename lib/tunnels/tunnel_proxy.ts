/** What a proxy of the tunnel client is: its names and the address that people use. Pure. */

import type { PortRule } from "../model/app.ts";

/** What a tunnel carries. */
export type TunnelProtocol = PortRule["protocol"];

/** The port of an app that a tunnel is for. */
export interface TunnelIdentity {
  deviceKey: number;
  appName: string;
  /** As the author of the app declared it: a tunnel is known to Studio by it, whatever host port it leads to. */
  port: number;
  protocol: TunnelProtocol;
}

/** Where a tunnel leads. */
export interface TunnelTarget {
  /** Empty for this device. */
  localIp: string;
  localPort: number;
  /** The port of the server for `tcp` and `udp`; 0 leaves the choice to the server. */
  remotePort: number;
}

/** One entry of the client's configuration. Its name is unique. */
export interface TunnelProxy extends TunnelTarget {
  name: string;
  protocol: TunnelProtocol;
  subdomain: string;
}

/** The proxy for a port of an app. `http` and `https` have no remote port. */
export function tunnelProxy(identity: TunnelIdentity, target: TunnelTarget): TunnelProxy {
  const { protocol } = identity;
  const subdomain = tunnelSubdomain(identity);
  const remotePort = usesRemotePort(protocol) ? target.remotePort : 0;
  return {
    name: `${subdomain}-${protocol}`,
    protocol,
    subdomain,
    localIp: target.localIp,
    localPort: target.localPort,
    remotePort,
  };
}

/** The name of the proxy for a port of an app, which is the id of its tunnel. */
export function tunnelName(identity: TunnelIdentity): string {
  return `${tunnelSubdomain(identity)}-${identity.protocol}`;
}

/** `512-metrics-3000`, for `https` with `secure-` before it. */
export function tunnelSubdomain({ deviceKey, appName, port, protocol }: TunnelIdentity): string {
  return `${protocol === "https" ? "secure-" : ""}${deviceKey}-${appName}-${port}`.toLowerCase();
}

/** Whether tunnels of this kind are told apart by a port of the server, and not by their subdomain. */
export function usesRemotePort(protocol: TunnelProtocol): boolean {
  return protocol === "tcp" || protocol === "udp";
}

/** The app, in lower case, and the declared port of a subdomain; undefined for one that is not made as above. */
export function readSubdomain(subdomain: string): { appName: string; port: number } | undefined {
  const [, appName, port] = /\d+-(.*)-(\d+)/.exec(subdomain) ?? [];
  return appName === undefined ? undefined : { appName, port: Number(port) };
}

/** The address of a tunnel. `domain` is that of `tunnelServer()`; `remotePort` is 0 while it is not known. */
export function tunnelUrl(
  { protocol, subdomain }: Pick<TunnelProxy, "protocol" | "subdomain">,
  { domain, remotePort }: { domain: string; remotePort: number },
): string {
  if (!usesRemotePort(protocol)) return `https://${subdomain}.${domain}`;
  return `${protocol}://${subdomain}.${domain}${remotePort === 0 ? "" : `:${remotePort}`}`;
}

/**
 * Whether two proxies are the same to the client, so that nothing has to be loaded again for the second.
 */
export function isSameProxy(one: TunnelProxy, other: TunnelProxy): boolean {
  const keys = ["name", "protocol", "subdomain", "localIp", "localPort", "remotePort"] as const;
  return keys.every((key) => one[key] === other[key]);
}

/**
 * Why the client would not take a proxy; undefined when it would. One wrong entry would cost all others: the client
 * refuses its whole configuration.
 */
export function proxyProblem({ subdomain, localIp, localPort, remotePort }: TunnelProxy): string | undefined {
  if (!/^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$/.test(subdomain)) return "the name of the app cannot be part of an address";
  if (subdomain.length > 200) return "the name of the app is too long for an address";
  if (localIp !== "" && !/^[A-Za-z0-9_.:%-]{1,253}$/.test(localIp)) return "local_ip is no address";
  if (!isPortOrNone(localPort) || localPort === 0) return "the local port must be a whole number from 1 to 65535";
  return isPortOrNone(remotePort) ? undefined : "the remote port must be a whole number from 0 to 65535";
}

function isPortOrNone(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 65_535;
}
