/** Port rules as Studio and the database spell them: the only place that knows the names of their members. Pure. */

import type { PortRule } from "./app.ts";
import { type Dict, isCount, isDict, readNumber, show } from "../base/json.ts";
import { quoteText } from "../base/quote.ts";

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
  "reserved_host_port",
  "reserved_remote_port",
  "reservation_error",
]);

const protocols: readonly PortRule["protocol"][] = ["http", "https", "tcp", "udp"];

/** Of the name of a rule, in a sentence. */
const shownNameChars = 60;

/**
 * Reads a list of port rules. A missing list (undefined, null) is empty; a missing member is empty, zero or false, a
 * missing protocol is `http`. Numbers may be text. A malformed rule, and one without a port, is left out and named in
 * `problems`, so that it costs its own port and not the app.
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

/** A sentence for each entry that is no rule: `The port rule "web" is left out: port must be …`. */
export function describeUnreadable(entries: readonly unknown[]): string[] {
  return entries.flatMap((entry) => {
    const rule = decodePortRule(entry);
    if (typeof rule !== "string") return [];
    const name = isDict(entry) && typeof entry["name"] === "string" ? entry["name"].slice(0, shownNameChars) : "";
    const shown = name === "" ? "A port rule" : `The port rule ${quoteText(name)}`;
    return [`${shown} is left out: ${rule.startsWith(".") ? rule.slice(1) : `it${rule}`}`];
  });
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
    ...(rule.reservedHostPort === 0 ? {} : { reserved_host_port: rule.reservedHostPort }),
    ...(rule.reservedRemotePort === 0 ? {} : { reserved_remote_port: rule.reservedRemotePort }),
    ...(rule.reservationError === "" ? {} : { reservation_error: rule.reservationError }),
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
    port: members.port("port", { first: 1 }),
    localIp: members.text("local_ip"),
    remotePortEnvironment: members.text("remote_port_environment"),
    remotePort: members.port("remote_port"),
    hostPort: members.port("host_port"),
    cloudRemotePort: members.port("cloud_remote_port"),
    reservedHostPort: members.port("reserved_host_port"),
    reservedRemotePort: members.port("reserved_remote_port"),
    // The agent's own, so it is written again whatever it was.
    reservationError: typeof entry["reservation_error"] === "string" ? entry["reservation_error"] : "",
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

  /** Text that is empty stands for no number, as forms send it. */
  port(name: string, { first = 0 } = {}): number {
    const value = this.#entry[name] ?? 0;
    const port = value === "" ? 0 : readNumber(value);
    if (isCount(port) && port >= first && port <= 65_535) return port;
    this.#fail(name, `a whole number from ${first} to 65535`);
    return 0;
  }

  protocol(name: string): PortRule["protocol"] {
    const given = this.text(name).toLowerCase();
    const known = given === "" ? "http" : protocols.find((protocol) => protocol === given);
    if (known === undefined) this.#fail(name, "http, https, tcp or udp");
    return known ?? "http";
  }

  #fail(name: string, expected: string): void {
    this.problem ??= `.${name} must be ${expected}, got ${shownValue(this.#entry[name])}`;
  }
}

function shownValue(value: unknown): string {
  return value === undefined || value === null ? "nothing" : show(value);
}
