/** What the tunnel client reports about its proxies, and what Studio gets of it. Pure. */

import { readSubdomain, type TunnelProxy, tunnelUrl } from "./tunnel_proxy.ts";

/** A proxy as the client reports it. */
export interface ProxyStatus {
  name: string;
  /** Its type: `http`, `https`, `tcp` or `udp`. */
  protocol: string;
  /** `new`, `wait start`, `start error`, `running`, `check failed` or `closed`. */
  status: string;
  /** Empty when all is well. */
  error: string;
  localAddress: string;
  plugin: string;
  /** What the server has granted: host and port for `tcp` and `udp`, else a name. */
  remoteAddress: string;
  /** The port at the end of `remoteAddress`; 0 while there is none. */
  remotePort: number;
}

/** The state of a tunnel, spelled as on the wire. */
export interface TunnelState {
  status: {
    name: string;
    status: string;
    localAddr: string;
    plugin: string;
    remoteAddr: string;
    remotePort: number;
    error: string;
    protocol: string;
  };
  app_name: string;
  port: number;
  active: boolean;
  error: boolean;
  error_message: string;
  url: string;
}

/** The states of the configured proxies that the client reports something of. `domain` is that of `tunnelServer()`. */
export function tunnelStates(
  proxies: readonly TunnelProxy[],
  { statuses, domain }: { statuses: readonly ProxyStatus[]; domain: string },
): TunnelState[] {
  const byName = new Map(statuses.map((status) => [status.name, status]));
  return proxies.flatMap((proxy) => {
    const status = byName.get(proxy.name);
    return status === undefined ? [] : [tunnelState(proxy, { status, domain })];
  });
}

function tunnelState(
  proxy: TunnelProxy,
  { status, domain }: { status: ProxyStatus; domain: string },
): TunnelState {
  const { appName, port } = readSubdomain(proxy.subdomain) ?? { appName: "", port: proxy.localPort };
  return {
    status: {
      name: status.name,
      status: status.status,
      localAddr: status.localAddress,
      plugin: status.plugin,
      remoteAddr: status.remoteAddress,
      remotePort: status.remotePort,
      error: status.error,
      protocol: status.protocol,
    },
    app_name: appName,
    port,
    active: status.status === "running",
    error: status.error !== "",
    error_message: status.error,
    url: tunnelUrl(proxy, { domain, remotePort: status.remotePort }),
  };
}

/** Equal for two lists exactly when Studio would see no difference. */
export function fingerprint(states: readonly TunnelState[]): string {
  return states.map(({ status, active, error, error_message, url }) =>
    JSON.stringify([status.name, status.status, status.remotePort, active, error, error_message, url])
  ).sort().join("\n");
}
