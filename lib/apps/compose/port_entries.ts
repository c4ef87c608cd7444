/** The entries of `ports` in a compose file, of which the agent chooses the host ports. Pure. */

import { type Dict, isDict, readCount } from "../../base/json.ts";
import type { PublishedPort } from "../container/create_request.ts";

/** An entry whose host port the agent chooses. */
export interface PortEntry {
  service: string;
  containerPort: number;
  transport: PublishedPort["transport"];
  /**
   * The declared port, by which port rules name the entry: the host port that its author wrote, else `containerPort`.
   */
  port: number;
  /** Its author wants it published, whatever rules there are. */
  hasHostPort: boolean;
}

/** An entry with the host port that was chosen for it. */
export interface ServicePort extends Omit<PortEntry, "hasHostPort"> {
  hostPort: number;
}

/** What was found in a definition. */
export interface PortEntries {
  entries: PortEntry[];
  /** Entries that stay as they are written, as in `web: 8000-8010:8000-8010`. */
  others: string[];
  /** The ports of services on the host's own network, which are reached as they are. */
  hostNetwork: PortEntry[];
}

/** The entries of all services, in the order of the definition. What is no service is skipped. */
export function portEntriesOf(definition: Dict): PortEntries {
  const found: PortEntries = { entries: [], others: [], hostNetwork: [] };
  const { services } = definition;
  for (const [service, content] of Object.entries(isDict(services) ? services : {})) {
    if (!isDict(content)) continue;
    const isManaged = hasOwnPorts(content);
    for (const value of Array.isArray(content["ports"]) ? content["ports"] : []) {
      const parsed = parsePortEntry(value);
      if (parsed === undefined) found.others.push(`${service}: ${shown(value)}`);
      else if (isManaged) found.entries.push({ service, ...parsed });
      else if (content["network_mode"] === "host") found.hostNetwork.push({ service, ...parsed });
    }
  }
  return found;
}

/** How many services declare a port; see `PortEntry.port`. */
export function countDeclarations(
  definition: Dict | null,
  { port, transport }: Pick<PortEntry, "port" | "transport">,
): number {
  const declared = portEntriesOf(definition ?? {}).entries.filter((entry) =>
    entry.port === port && entry.transport === transport
  );
  return new Set(declared.map(({ service }) => service)).size;
}

/** True for a service whose ports the engine publishes: others use the network of the host or of another container. */
export function hasOwnPorts(service: Dict): boolean {
  const mode = service["network_mode"];
  return typeof mode !== "string" || !/^(?:host|none|service:.*|container:.*)$/.test(mode);
}

/**
 * Reads one entry, in short or long form. Undefined for those that stay as they are: ranges, text with `$`, protocols
 * other than tcp and udp, and what makes no sense.
 */
export function parsePortEntry(value: unknown): Omit<PortEntry, "service"> | undefined {
  if (isDict(value)) return parseLongEntry(value);
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const [, host, container, protocol] =
    /^(?:(?:(?:\[[0-9a-f:.]+\]|\d{1,3}(?:\.\d{1,3}){3}):)?(\d{0,6}):)?(\d{1,6})(?:\/(tcp|udp)?)?$/i.exec(`${value}`) ??
      [];
  return readEntry({ published: host, target: container, protocol });
}

function parseLongEntry({ published, target, protocol }: Dict): Omit<PortEntry, "service"> | undefined {
  return protocol === undefined || protocol === null || typeof protocol === "string"
    ? readEntry({ published, target, protocol: protocol ?? undefined })
    : undefined;
}

function readEntry(
  { published, target, protocol }: { published: unknown; target: unknown; protocol: string | undefined },
): Omit<PortEntry, "service"> | undefined {
  const containerPort = readCount(target);
  const isUnset = published === undefined || published === null || published === "";
  const hostPort = isUnset ? 0 : readCount(published);
  const transport = (protocol || "tcp").toLowerCase();
  if (containerPort === undefined || containerPort === 0 || containerPort > 65_535) return undefined;
  if (hostPort === undefined || hostPort > 65_535) return undefined;
  if (transport !== "tcp" && transport !== "udp") return undefined;
  return { containerPort, transport, port: hostPort || containerPort, hasHostPort: hostPort > 0 };
}

/** For a log line. */
function shown(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}
