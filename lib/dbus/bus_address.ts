/** Where the system bus listens. Pure. */

import { AgentError } from "../base/errors.ts";

const usualAddress = "unix:path=/run/dbus/system_bus_socket";

/**
 * The paths of the sockets that an address names (`DBUS_SYSTEM_BUS_ADDRESS`; the usual one when it is empty or
 * undefined), in the order in which they are tried. A path that begins with a NUL is an abstract one. Throws
 * `bus_unreachable` when there is none of these kinds.
 */
export function busSocketPaths(address: string | undefined): string[] {
  const text = address?.trim() || usualAddress;
  const paths = text.split(";").flatMap(socketPathOf);
  if (paths.length > 0) return paths;
  throw new AgentError("bus_unreachable", `Cannot reach the system bus: its address "${text}" names no unix socket`);
}

function socketPathOf(address: string): string[] {
  const [kind, fields] = address.trim().split(":", 2);
  if (kind !== "unix" || fields === undefined) return [];
  const pairs = new Map(
    fields.split(",").map((pair): [string, string] => {
      const [key = "", ...rest] = pair.split("=");
      return [key, unescaped(rest.join("="))];
    }),
  );
  const path = pairs.get("path");
  const abstract = pairs.get("abstract");
  if (path) return [path];
  return abstract ? [`\0${abstract}`] : [];
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Not escaped by the rules, so it is taken as it stands.
    return text;
  }
}
