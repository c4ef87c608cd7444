/** Asks the operating system whether a port of the host is free. */

import type { PublishedPort } from "./create_request.ts";

/** True when the port can be bound on all IPv4 addresses at this moment. The port is released before it returns. */
export function probePort(port: number, transport: PublishedPort["transport"]): boolean {
  try {
    const options = { hostname: "0.0.0.0", port };
    if (transport === "udp") Deno.listenDatagram({ ...options, transport }).close();
    else Deno.listen(options).close();
    return true;
  } catch (error) {
    // The runtime has no datagrams; every port would count as taken.
    if (error instanceof TypeError) throw error;
    return false;
  }
}
