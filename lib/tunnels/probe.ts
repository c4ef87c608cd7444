/** Finds out whether the tunnel server can be reached, on the way that the client takes. */

import { connect, type Socket } from "node:net";
import { within } from "../async/deadline.ts";
import { proxyAddress } from "../wamp/proxy.ts";
import { openTunnel } from "../wamp/proxy_tunnel.ts";
import type { ServerAddress } from "./client_config.ts";

const connectMs = 5_000;

/** Whether something takes connections there. Throws only `canceled`. */
export async function probeServer(server: ServerAddress, signal: AbortSignal): Promise<boolean> {
  const { host, port, proxy } = server;
  const socket = connect(proxy === undefined ? { host, port } : proxyAddress(proxy));
  // Whatever happens to it later, somebody listens.
  socket.on("error", () => {});
  try {
    await within(connectMs, async () => {
      await untilConnected(socket);
      if (proxy !== undefined) await openTunnel(socket, { proxy, host, port });
    }, { what: "Looking for the tunnel server", signal });
    return true;
  } catch (error) {
    if (signal.aborted) throw error;
    return false;
  } finally {
    socket.destroy();
  }
}

function untilConnected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve).once("error", reject).once("close", () => reject(new Error("It was closed")));
  });
}
