/** Reads what the tunnel client reports. Pure. */

import { isDict } from "../base/json.ts";
import type { ProxyStatus } from "./tunnel_status.ts";

/**
 * The proxies of an answer: lists by type. An entry without a name is left out, and what an entry lacks is empty.
 * Undefined for what is no such answer. `serverHost` is what stands before the port of the server.
 */
export function decodeStatuses(
  answer: unknown,
  { serverHost }: { serverHost: string },
): ProxyStatus[] | undefined {
  if (!isDict(answer)) return undefined;
  const statuses: ProxyStatus[] = [];
  for (const [type, list] of Object.entries(answer)) {
    if (list === null) continue;
    if (!Array.isArray(list)) return undefined;
    for (const entry of list) {
      const status = decodeStatus(entry, type, serverHost);
      if (status !== undefined) statuses.push(status);
    }
  }
  return statuses;
}

function decodeStatus(entry: unknown, type: string, serverHost: string): ProxyStatus | undefined {
  if (!isDict(entry) || typeof entry["name"] !== "string" || entry["name"] === "") return undefined;
  const text = (name: string) => {
    const value = entry[name];
    return typeof value === "string" ? value : "";
  };
  const remoteAddress = text("remote_addr");
  return {
    name: entry["name"],
    protocol: text("type") || type,
    status: text("status"),
    error: text("err"),
    localAddress: text("local_addr"),
    plugin: text("plugin"),
    remoteAddress,
    // An IPv6 address without a port would look like one with a port.
    remotePort: remoteAddress === serverHost ? 0 : portOf(remoteAddress),
  };
}

/** The number after the last colon. */
function portOf(address: string): number {
  const [, digits = "0"] = /:(\d{1,5})$/.exec(address) ?? [];
  const port = Number(digits);
  return port <= 65_535 ? port : 0;
}
