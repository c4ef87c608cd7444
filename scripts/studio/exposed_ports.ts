/** Assigns the ports of the tunnel server to devices. */

import { AgentError } from "../../lib/base/errors.ts";
import { numberColumn, type Store } from "./store.ts";

const firstPort = 31_000;
const lastPort = 31_999;

/**
 * Returns the remote port of a device's tunnel: the requested one, or a free one for port 0 and when another device
 * has it. Throws an error with `Duplicate value` for a port that the device already has, and `not_available` when no
 * port is left.
 */
export function exposePort(
  store: Store,
  deviceKey: number,
  { port, protocol }: { port: number; protocol: "tcp" | "udp" },
): number {
  const rows = store.all("SELECT port, device_key FROM exposed_ports WHERE protocol = ?", protocol);
  const owners = new Map(rows.map((row) => [numberColumn(row, "port"), numberColumn(row, "device_key")]));
  if (port !== 0 && owners.get(port) === deviceKey) {
    throw new AgentError("bad_request", `Duplicate value: port ${port} is already exposed for this device`);
  }
  const chosen = port !== 0 && !owners.has(port) ? port : firstFree(owners);
  store.run("INSERT INTO exposed_ports VALUES (?, ?, ?)", chosen, protocol, deviceKey);
  return chosen;
}

function firstFree(owners: ReadonlyMap<number, number>): number {
  for (let port = firstPort; port <= lastPort; port++) if (!owners.has(port)) return port;
  throw new AgentError("not_available", "No port is left for another tunnel");
}
