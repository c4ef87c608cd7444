/** Where the host publishes the ports of apps: each declared port has a host port for as long as the agent runs. */

import type { AppId, PortRule } from "../../model/app.ts";
import type { PortBinding } from "../../docker/decode.ts";
import type { PublishedPort } from "./create_request.ts";
import { HostPorts, portsNamedIn } from "./host_ports.ts";

/** Where the ports of a container are published, by `<port>/<protocol>`. */
export type PortBindings = Readonly<Record<string, readonly PortBinding[]>>;

/** The host ports of all apps. */
export class AppPorts {
  readonly #hostPorts: HostPorts;

  /** `isFree` returns whether a port of the host can be bound at this moment. */
  constructor(options: { isFree(port: number, transport: PublishedPort["transport"]): boolean }) {
    this.#hostPorts = new HostPorts(options);
  }

  /**
   * The rules with the host ports that are known: those in use, else those of the existing container (`published`),
   * else those that Studio has stored. Chooses no port.
   */
  resolve(
    app: AppId,
    { rules, published }: { rules: readonly PortRule[]; published: PortBindings | undefined },
  ): PortRule[] {
    return rules.map((rule) => {
      if (rule.localIp !== "") return rule;
      const key = { app, transport: transportOf(rule), port: rule.port };
      const known = this.#hostPorts.find(key) ?? (boundPort(published, key) || rule.hostPort);
      return known > 0 ? { ...rule, hostPort: this.#hostPorts.recoverOrReserve(key, known) } : rule;
    });
  }

  /** The published ports of an app, each once. Chooses those that are missing. Throws `port_in_use`. */
  publish(app: AppId, rules: readonly PortRule[]): PublishedPort[] {
    const published = new Map<string, PublishedPort>();
    for (const rule of rules) {
      if (rule.localIp !== "" || rule.port === 0) continue;
      const transport = transportOf(rule);
      const hostPort = this.#hostPorts.recoverOrReserve({ app, transport, port: rule.port }, rule.hostPort);
      published.set(`${rule.port}/${transport}`, { port: rule.port, transport, hostPort });
    }
    return [...published.values()];
  }

  /** Replaces the host ports of an app that an error text of the engine names; false when it names none. */
  replace(app: AppId, { rules, engineText }: { rules: readonly PortRule[]; engineText: string }): boolean {
    const named = portsNamedIn(engineText, this.publish(app, rules));
    for (const { transport, port } of named) this.#hostPorts.reassign({ app, transport, port });
    return named.length > 0;
  }

  /** Frees the host ports of an app. */
  release(app: AppId): void {
    this.#hostPorts.release(app);
  }
}

function transportOf(rule: PortRule): PublishedPort["transport"] {
  return rule.protocol === "udp" ? "udp" : "tcp";
}

/** The host port of an existing container, preferably one on all addresses. 0 when there is none. */
function boundPort(
  published: PortBindings | undefined,
  { transport, port }: Pick<PublishedPort, "transport" | "port">,
): number {
  const bindings = published?.[`${port}/${transport}`] ?? [];
  const onAll = bindings.find(({ hostIp }) => ["", "0.0.0.0", "::"].includes(hostIp));
  return (onAll ?? bindings[0])?.hostPort ?? 0;
}
