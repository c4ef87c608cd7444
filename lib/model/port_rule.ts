/** Port rules as Studio and the database spell them: the only place that knows the names of their members. Pure. */

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
 * Reads a list of port rules. A missing list (undefined, null) is empty; a missing member is empty, zero or false, a
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

/** The rule as a wire record: other members that Studio sent are kept, ports that are not set are left out. */
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

/** The rule, or the rest of a sentence that describes what is wrong with it. */
function decodePortRule(entry: unknown): PortRule | string {
  if (!isDict(entry)) return ` must be an object, got ${show(entry)}`;
  const members = new RuleMembers(entry);
  const rule: PortRule = {
    main: members.flag("main"),
    name: members.text("name"),
    active: members.flag("active"),
    public: members.flag("public"),
    port: members.port("port"),
    localIp: members.text("local_ip"),
    remotePortEnvironment: members.text("remote_port_environment"),
    remotePort: members.port("remote_port"),
    hostPort: members.port("host_port"),
    cloudRemotePort: members.port("cloud_remote_port"),
    protocol: members.protocol("protocol"),
    extra: Object.fromEntries(Object.entries(entry).filter(([name]) => !knownNames.has(name))),
  };
  return members.problem ?? rule;
}

/** Reads the members of one rule, and keeps the first problem as the rest of a sentence. */
class RuleMembers {
  readonly #entry: Dict;
  problem: string | undefined;

  constructor(entry: Dict) {
    this.#entry = entry;
  }

  flag(name: string): boolean {
    const value = this.#entry[name] ?? false;
    if (typeof value !== "boolean") this.#fail(name, "true or false");
    return value === true;
  }

  text(name: string): string {
    const value = this.#entry[name] ?? "";
    if (typeof value === "string") return value;
    this.#fail(name, "text");
    return "";
  }

  port(name: string): number {
    const value = this.#entry[name] ?? 0;
    if (isCount(value) && value <= 65_535) return value;
    this.#fail(name, "a whole number from 0 to 65535");
    return 0;
  }

  protocol(name: string): PortRule["protocol"] {
    const given = this.text(name).toLowerCase();
    const known = given === "" ? "http" : protocols.find((protocol) => protocol === given);
    if (known === undefined) this.#fail(name, "http, https, tcp or udp");
    return known ?? "http";
  }

  #fail(name: string, expected: string): void {
    this.problem ??= `.${name} must be ${expected}, got ${show(this.#entry[name])}`;
  }
}
