/** Chooses the port on which the tunnel client is asked. */

/** Outside of what the kernel hands out, of the ports of apps, and of those that the server uses. */
const firstPort = 7_411;
const triedPorts = 100;

/**
 * The first port from 7411 on that nobody listens on at this moment, on loopback; if there is none, one that the system
 * chooses. Not `avoid`, which has just failed for another reason.
 */
export function chooseAdminPort({ avoid = 0 }: { avoid?: number } = {}): number {
  for (let port = firstPort; port < firstPort + triedPorts; port += 1) {
    if (port !== avoid && tryPort(port) !== undefined) return port;
  }
  return tryPort(0) ?? firstPort;
}

function tryPort(port: number): number | undefined {
  try {
    using listener = Deno.listen({ hostname: "127.0.0.1", port });
    return listener.addr.port;
  } catch {
    // Somebody listens there.
    return undefined;
  }
}
