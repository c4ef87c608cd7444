/** Which port of the host belongs to which declared port of which app. In memory; refilled from running containers. */

import { type AppId, idText } from "../../model/app.ts";
import { AgentError } from "../../base/errors.ts";
import {
  findRival,
  isDenied,
  isSameKey,
  isSameRule,
  keyText,
  type PinRefusal,
  type PortKey,
  type PortReservation,
} from "./port_reservations.ts";

/** The host ports that the agent chooses from. */
export const portPool = { first: 40_000, last: 49_999 } as const;

/** What the register asks the rest of the device. */
export interface HostPortsOptions {
  /** Whether a port can be bound at this moment. */
  isFree(port: number, transport: PortKey["transport"]): boolean;
  /** The reservations of all apps, running or not. */
  reservations?(): readonly PortReservation[];
}

/** What came of a pin. `evicted`: the app whose equal reservation goes after this one, and which has used the port. */
export interface PinOutcome {
  refusal?: PinRefusal;
  evicted?: AppId;
}

/** A host port and whose it is. */
interface Assignment {
  key: PortKey;
  hostPort: number;
}

/**
 * The register of host ports.
 *
 * - A host port of one transport has at most one owner. An owner has one host port, and may have another one pinned for
 *   its next start; it gives up the first only then.
 * - No port is chosen that is reserved for another declared port.
 * - Nothing is awaited between the probe of a port and its assignment.
 */
export class HostPorts {
  readonly #isFree: HostPortsOptions["isFree"];
  readonly #reservations: () => readonly PortReservation[];
  /** By declared port. */
  readonly #owned = new Map<string, Assignment>();
  /** Reserved ports, in use or for the next start; by declared port. */
  readonly #pinned = new Map<string, Assignment>();
  /** Owners by transport and host port. */
  readonly #owners = new Map<string, PortKey>();
  /** Ports that the engine could not bind, by transport and number; chosen only when no other is left. */
  readonly #refused = new Set<string>();

  constructor(options: HostPortsOptions) {
    this.#isFree = (port, transport) => options.isFree(port, transport);
    this.#reservations = () => options.reservations?.() ?? [];
  }

  /** The host port of a declared port; undefined while it has none. */
  find(key: PortKey): number | undefined {
    return this.#owned.get(keyText(key))?.hostPort;
  }

  /** Who has a host port, also while it is only pinned. */
  ownerOf(hostPort: number, transport: PortKey["transport"]): PortKey | undefined {
    return this.#owners.get(portText(transport, hostPort));
  }

  /**
   * The host port of the key; else `preferred`, unless it is 0, has another owner or is reserved for another; else a
   * port of the pool. A preferred port is not probed, because the app's own container may hold it. Throws `port_in_use`
   * when none is left.
   */
  recoverOrReserve(key: PortKey, preferred: number): number {
    const found = this.find(key);
    if (found !== undefined) return found;
    if (this.#isOpen(key, preferred)) return this.#assign(key, preferred);
    return this.#assign(key, this.#choose(key));
  }

  /** Assigns the port that the app's container publishes, also one that is reserved for another, if it has no owner. */
  adopt(key: PortKey, hostPort: number): void {
    if (this.find(key) !== undefined || !isPort(hostPort)) return;
    if (this.ownerOf(hostPort, key.transport) === undefined) this.#assign(key, hostPort);
  }

  /**
   * The host port of the same declared port from before the app became a compose app, stopped being one, or moved the
   * port to another service; undefined when there is none. `names`: the keys of today, as `keyText()` has them.
   */
  findFormer(key: PortKey, names: ReadonlySet<string>): number | undefined {
    return this.#formerOf(key, names)?.hostPort;
  }

  /** Takes over that port, if there is one and the key has none. */
  inherit(key: PortKey, names: ReadonlySet<string>): void {
    const former = this.find(key) === undefined ? this.#formerOf(key, names) : undefined;
    if (former === undefined) return;
    this.#drop(former.key);
    this.#assign(key, former.hostPort);
  }

  /** Replaces the host port of a key by one of the pool when it is reserved for another. Throws `port_in_use`. */
  leaveReserved(key: PortKey): void {
    const hostPort = this.find(key);
    if (hostPort === undefined || !this.#isReservedForOther(key, hostPort)) return;
    const chosen = this.#choose(key);
    this.#drop(key);
    this.#assign(key, chosen);
  }

  /**
   * Reserves exactly this port for the next start, besides the one that the key has, until `usePin()`. `isPublished`:
   * the app's own container holds it, so it is not probed. `mayEvict`: an app with an equal reservation that goes after
   * this one loses the port. A refused pin changes nothing.
   */
  pin(key: PortKey, hostPort: number, options: { isPublished: boolean; mayEvict: boolean }): PinOutcome {
    const { isPublished, mayEvict } = options;
    if (isDenied(hostPort)) return { refusal: { kind: "denylisted" } };
    const rival = findRival(this.#reservations(), { key, hostPort });
    if (rival !== undefined) {
      const isOwn = idText(rival.app) === idText(key.app);
      return { refusal: isOwn ? { kind: "ownRule" } : { kind: "reserved", app: rival.app } };
    }
    const owner = this.ownerOf(hostPort, key.transport);
    const foreign = owner !== undefined && idText(owner.app) !== idText(key.app) ? owner : undefined;
    const isEvicted = foreign !== undefined && mayEvict && this.#hasReserved(foreign, hostPort);
    if (foreign !== undefined && !isEvicted) return { refusal: { kind: "app", app: foreign.app } };
    const evicted = foreign === undefined ? {} : { evicted: foreign.app };
    if (!isPublished && !this.#isFree(hostPort, key.transport)) {
      return { ...evicted, refusal: foreign === undefined ? { kind: "process" } : { kind: "app", app: foreign.app } };
    }
    if (foreign !== undefined) this.#forgetPort(foreign, hostPort);
    if (this.#pinned.get(keyText(key))?.hostPort !== hostPort) this.unpin(key);
    this.#pinned.set(keyText(key), { key, hostPort });
    // One of the app's other ports gives way when the app starts.
    if (this.ownerOf(hostPort, key.transport) === undefined) this.#owners.set(portText(key.transport, hostPort), key);
    return evicted;
  }

  /** Takes the pinned port in place of the one that the key has. */
  usePin(key: PortKey): void {
    const pinned = this.#pinned.get(keyText(key));
    if (pinned === undefined || this.find(key) === pinned.hostPort) return;
    const owner = this.ownerOf(pinned.hostPort, key.transport);
    if (owner !== undefined && !isSameKey(owner, key)) this.#drop(owner);
    this.#drop(key);
    this.#assign(key, pinned.hostPort);
  }

  /** Ends a reservation. A port that is in use stays, as if it had been chosen. */
  unpin(key: PortKey): void {
    const pinned = this.#pinned.get(keyText(key));
    if (pinned === undefined) return;
    this.#pinned.delete(keyText(key));
    if (pinned.hostPort !== this.find(key)) this.#disown(key, pinned.hostPort);
  }

  /** The host port that is pinned for the key; undefined when there is none. */
  findPin(key: PortKey): number | undefined {
    return this.#pinned.get(keyText(key))?.hostPort;
  }

  /**
   * Assigns the host port of the declared number, in place of the one that the key has. It is only probed when the
   * engine could not bind it before. Returns false when it has another owner, or is still in use.
   */
  reserveDeclared(key: PortKey): boolean {
    if (this.find(key) === key.port) return true;
    if (isDenied(key.port) || !this.#isOpen(key, key.port)) return false;
    if (this.#refused.has(portText(key.transport, key.port)) && !this.#isFree(key.port, key.transport)) return false;
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

  /** The declared ports of an app that have a host port, in use or pinned. */
  keysOf(app: AppId): PortKey[] {
    const all = [...this.#owned.values(), ...this.#pinned.values()];
    return all.map(({ key }) => key).filter((key) => idText(key.app) === idText(app));
  }

  /** Frees the port that the key has. */
  drop(key: PortKey): void {
    this.#drop(key);
  }

  /** Frees all ports of an app. */
  release(app: AppId): void {
    for (const { key } of [...this.#pinned.values()]) {
      if (idText(key.app) === idText(app)) this.unpin(key);
    }
    for (const { key } of [...this.#owned.values()]) {
      if (idText(key.app) === idText(app)) this.#drop(key);
    }
  }

  #formerOf(key: PortKey, names: ReadonlySet<string>): Assignment | undefined {
    return this.#owned.values().find((one) => isSameRule(one.key, key) && !names.has(keyText(one.key)));
  }

  #isOpen(key: PortKey, hostPort: number): boolean {
    if (!isPort(hostPort) || this.ownerOf(hostPort, key.transport) !== undefined) return false;
    return !this.#isReservedForOther(key, hostPort);
  }

  #isReservedForOther(key: PortKey, hostPort: number): boolean {
    const reservations = this.#reservations();
    return reservations.length > 0 && findRival(reservations, { key, hostPort }) !== undefined;
  }

  #hasReserved(key: PortKey, hostPort: number): boolean {
    return this.#reservations().some((one) => isSameRule(one, key) && one.hostPort === hostPort);
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
    this.#owners.set(portText(key.transport, hostPort), key);
    return hostPort;
  }

  #drop(key: PortKey): number | undefined {
    const hostPort = this.find(key);
    if (hostPort === undefined) return undefined;
    this.#owned.delete(keyText(key));
    this.#disown(key, hostPort);
    return hostPort;
  }

  /** Another app takes the port, in use or pinned. */
  #forgetPort(key: PortKey, hostPort: number): void {
    if (this.findPin(key) === hostPort) this.#pinned.delete(keyText(key));
    if (this.find(key) === hostPort) this.#owned.delete(keyText(key));
    this.#disown(key, hostPort);
  }

  #disown(key: PortKey, hostPort: number): void {
    const owner = this.ownerOf(hostPort, key.transport);
    if (owner !== undefined && isSameKey(owner, key)) this.#owners.delete(portText(key.transport, hostPort));
  }
}

/** Those `ports` whose host port is named in an error text of the engine, as in `Bind for 0.0.0.0:40001 failed`. */
export function portsNamedIn<Port extends { hostPort: number }>(text: string, ports: readonly Port[]): Port[] {
  return ports.filter(({ hostPort }) => new RegExp(`:${hostPort}(?!\\d)`).test(text));
}

function isPort(hostPort: number): boolean {
  return Number.isInteger(hostPort) && hostPort > 0 && hostPort <= 65_535;
}

function portText(transport: PortKey["transport"], port: number): string {
  return `${transport}:${port}`;
}
