/** Assigns the ports of the tunnel server to devices. A device keeps what it has been granted. */

import { AgentError } from "../../lib/base/errors.ts";
import { numberColumn, type Store } from "./store.ts";

const firstPort = 31_000;
const lastPort = 31_999;

/** What a device asks for. */
export interface PortQuestion {
  /** 0 when any will do. */
  port: number;
  protocol: "tcp" | "udp";
  /** No other port will do. */
  isReserved: boolean;
}

/**
 * Returns the remote port of a device's tunnel: the requested one, which may be its own, or a free one for port 0 and
 * when another device has it. Throws `not_available` for a reserved port of another device, and when no port is left.
 */
export function exposePort(store: Store, deviceKey: number, { port, protocol, isReserved }: PortQuestion): number {
  const rows = store.all("SELECT port, device_key FROM exposed_ports WHERE protocol = ?", protocol);
  const owners = new Map(rows.map((row) => [numberColumn(row, "port"), numberColumn(row, "device_key")]));
  if (port !== 0 && owners.get(port) === deviceKey) return port;
  if (port !== 0 && isReserved && owners.has(port)) {
    throw new AgentError("not_available", `Duplicate value: port ${port} belongs to another device`);
  }
  const chosen = port !== 0 && !owners.has(port) ? port : firstFree(owners);
  store.run("INSERT INTO exposed_ports VALUES (?, ?, ?)", chosen, protocol, deviceKey);
  return chosen;
}

/** True for a port of the tunnel server that the device has been granted. */
export function hasPort(
  store: Store,
  deviceKey: number,
  { port, protocol }: { port: number; protocol: string },
): boolean {
  const sql = "SELECT 1 AS one FROM exposed_ports WHERE port = ? AND protocol = ? AND device_key = ?";
  return store.first(sql, port, protocol, deviceKey) !== undefined;
}

function firstFree(owners: ReadonlyMap<number, number>): number {
  for (let port = firstPort; port <= lastPort; port++) if (!owners.has(port)) return port;
  throw new AgentError("not_available", "No port is left for another tunnel");
}
