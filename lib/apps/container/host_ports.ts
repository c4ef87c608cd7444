/** Which port of the host belongs to which declared port of which app. In memory; refilled from running containers. */

import { type AppId, idText } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import type { PublishedPort } from "./create_request.ts";

/** A declared port of an app. */
export interface PortKey {
  app: AppId;
  transport: PublishedPort["transport"];
  port: number;
}

/** The host ports that the agent chooses from. */
export const portPool = { first: 40_000, last: 49_999 } as const;

/**
 * The register of host ports.
 *
 * - A host port of one transport has at most one owner, and an owner has one host port.
 * - Nothing is awaited between the probe of a port and its assignment.
 */
export class HostPorts {
  readonly #isFree: (port: number, transport: PortKey["transport"]) => boolean;
  readonly #owned = new Map<string, { key: PortKey; hostPort: number }>();
  /** Owners by transport and host port. */
  readonly #owners = new Map<string, string>();
  /** Ports that the engine could not bind, by transport and number; chosen only when no other is left. */
  readonly #refused = new Set<string>();

  /** `isFree` returns whether a port can be bound at this moment. */
  constructor(options: { isFree(port: number, transport: PortKey["transport"]): boolean }) {
    this.#isFree = (port, transport) => options.isFree(port, transport);
  }

  /** The host port of a declared port; undefined while it has none. */
  find(key: PortKey): number | undefined {
    return this.#owned.get(keyText(key))?.hostPort;
  }

  /**
   * The host port of the key; else `preferred`, unless it is 0 or has another owner; else a port of the pool. A
   * preferred port is not probed, because the app's own container may hold it. Throws `port_in_use` when none is left.
   */
  recoverOrReserve(key: PortKey, preferred: number): number {
    const found = this.find(key);
    if (found !== undefined) return found;
    if (this.#isOpen(key, preferred)) return this.#assign(key, preferred);
    return this.#assign(key, this.#choose(key));
  }

  /** Assigns the host port of the declared number, without a probe. Returns false when it has another owner. */
  reserveDeclared(key: PortKey): boolean {
    if (this.find(key) === key.port) return true;
    if (!this.#isOpen(key, key.port)) return false;
    this.#drop(key);
    this.#assign(key, key.port);
    return true;
  }

  /**
   * Assigns another port of the pool, because the engine could not bind the present one. Throws `port_in_use` when none
   * is left; the key has no port then.
   */
  reassign(key: PortKey): number {
    const dropped = this.#drop(key);
    if (dropped !== undefined) this.#refused.add(portText(key.transport, dropped));
    return this.#assign(key, this.#choose(key));
  }

  /** Frees all ports of an app. */
  release(app: AppId): void {
    for (const { key } of [...this.#owned.values()]) {
      if (idText(key.app) === idText(app)) this.#drop(key);
    }
  }

  #isOpen(key: PortKey, hostPort: number): boolean {
    const isPort = Number.isInteger(hostPort) && hostPort > 0 && hostPort <= 65_535;
    return isPort && !this.#owners.has(portText(key.transport, hostPort));
  }

  #choose(key: PortKey): number {
    const { transport, port, app } = key;
    const chosen = this.#lowest(key, { isRefused: false }) ?? this.#lowest(key, { isRefused: true });
    if (chosen !== undefined) return chosen;
    const range = `${portPool.first} to ${portPool.last}`;
    const text = `Cannot publish port ${port}/${transport} of app "${idText(app)}": no host port from ${range} is free`;
    throw new AgentError("port_in_use", text);
  }

  /** The lowest port of the pool that has no owner and can be bound. */
  #lowest(key: PortKey, { isRefused }: { isRefused: boolean }): number | undefined {
    const { transport } = key;
    for (let hostPort = portPool.first; hostPort <= portPool.last; hostPort++) {
      if (this.#refused.has(portText(transport, hostPort)) !== isRefused) continue;
      if (this.#isOpen(key, hostPort) && this.#isFree(hostPort, transport)) return hostPort;
    }
    return undefined;
  }

  #assign(key: PortKey, hostPort: number): number {
    this.#owned.set(keyText(key), { key, hostPort });
    this.#owners.set(portText(key.transport, hostPort), keyText(key));
    return hostPort;
  }

  #drop(key: PortKey): number | undefined {
    const hostPort = this.find(key);
    if (hostPort === undefined) return undefined;
    this.#owned.delete(keyText(key));
    this.#owners.delete(portText(key.transport, hostPort));
    return hostPort;
  }
}

/** Those `ports` whose host port is named in an error text of the engine, as in `Bind for 0.0.0.0:40001 failed`. */
export function portsNamedIn<Port extends { hostPort: number }>(text: string, ports: readonly Port[]): Port[] {
  return ports.filter(({ hostPort }) => new RegExp(`:${hostPort}(?!\\d)`).test(text));
}

function keyText({ app, transport, port }: PortKey): string {
  return `${idText(app)}:${portText(transport, port)}`;
}

function portText(transport: PortKey["transport"], port: number): string {
  return `${transport}:${port}`;
}
