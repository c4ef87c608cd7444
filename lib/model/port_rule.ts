/** Port rules as Studio and the database spell them: the one place that knows the member names. Pure. */

import type { PortRule } from "./app.ts";
import { type Dict, isCount, isDict, show } from "../base/json.ts";

/** Port rules that could be read, and one sentence for each that could not. */
export interface DecodedPortRules {
  rules: PortRule[];
  /** The entries that could not be read, as they came. */
  others: unknown[];
  problems: string[];
}

const knownNames = new Set([
  "main",
  "name",
  "active",
  "public",
  "port",
  "protocol",
  "local_ip",
  "remote_port_environment",
  "remote_port",
  "host_port",
  "cloud_remote_port",
]);

const protocols: readonly PortRule["protocol"][] = ["http", "https", "tcp", "udp"];

/**
 * Reads a list of port rules. Absent (undefined, null) is the empty list; a missing member is empty, zero or false, a
 * missing protocol is `http`. A malformed rule is left out and named in `problems`, so that it costs its own port and
 * not the app.
 */
export function decodePortRules(value: unknown): DecodedPortRules {
  const decoded: DecodedPortRules = { rules: [], others: [], problems: [] };
  if (value === undefined || value === null) return decoded;
  if (!Array.isArray(value)) {
    decoded.problems.push(`ports must be a list, got ${show(value)}`);
    return decoded;
  }
  for (const [index, entry] of value.entries()) {
    const rule = decodePortRule(entry);
    if (typeof rule === "string") {
      decoded.problems.push(`ports[${index}]${rule}`);
      decoded.others.push(entry);
    } else decoded.rules.push(rule);
  }
  return decoded;
}

/**
 * The rule as a wire record: members that Studio sent beside the known ones are kept, ports that are not set are left
 * out.
 */
export function encodePortRule(rule: PortRule): Dict {
  return {
    ...rule.extra,
    main: rule.main,
    name: rule.name,
    active: rule.active,
    public: rule.public,
    port: rule.port,
    protocol: rule.protocol,
    local_ip: rule.localIp,
    remote_port_environment: rule.remotePortEnvironment,
    remote_port: rule.remotePort,
    ...(rule.hostPort === 0 ? {} : { host_port: rule.hostPort }),
    ...(rule.cloudRemotePort === 0 ? {} : { cloud_remote_port: rule.cloudRemotePort }),
  };
}

/** Gives the rule, or the rest of a sentence that says what is wrong with it. */
function decodePortRule(entry: unknown): PortRule | string {
  if (!isDict(entry)) return ` must be an object, got ${show(entry)}`;
  let problem: string | undefined;
  const fail = (name: string, expected: string) => problem ??= `.${name} must be ${expected}, got ${show(entry[name])}`;
  const flag = (name: string): boolean => {
    const value = entry[name] ?? false;
    if (typeof value !== "boolean") fail(name, "true or false");
    return value === true;
  };
  const text = (name: string): string => {
    const value = entry[name] ?? "";
    if (typeof value === "string") return value;
    fail(name, "text");
    return "";
  };
  const portNumber = (name: string): number => {
    const value = entry[name] ?? 0;
    if (isCount(value) && value <= 65_535) return value;
    fail(name, "a whole number from 0 to 65535");
    return 0;
  };
  const rule: PortRule = {
    main: flag("main"),
    name: text("name"),
    active: flag("active"),
    public: flag("public"),
    port: portNumber("port"),
    protocol: "http",
    localIp: text("local_ip"),
    remotePortEnvironment: text("remote_port_environment"),
    remotePort: portNumber("remote_port"),
    hostPort: portNumber("host_port"),
    cloudRemotePort: portNumber("cloud_remote_port"),
    extra: Object.fromEntries(Object.entries(entry).filter(([name]) => !knownNames.has(name))),
  };
  const asked = text("protocol").toLowerCase();
  const protocol = asked === "" ? "http" : protocols.find((known) => known === asked);
  if (protocol === undefined) fail("protocol", "http, https, tcp or udp");
  else rule.protocol = protocol;
  return problem ?? rule;
}
