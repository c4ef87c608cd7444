/** Where the host publishes the ports of apps: each declared port has a host port for as long as the agent runs. */

import { type AppId, idText, type PortRule } from "../../model/app.ts";
import type { ServicePort } from "../compose/port_entries.ts";
import type { PublishedPort } from "./create_request.ts";
import { HostPorts, type PinOutcome, portsNamedIn } from "./host_ports.ts";
import {
  isSameRule,
  keyText,
  pendingLine,
  type PinRefusal,
  type PortKey,
  type PortReservation,
  refusalLines,
  refusalText,
  reservationsOf,
  reservedHostPort,
} from "./port_reservations.ts";
import {
  boundPorts,
  isBound,
  isOfRule,
  type PortBindings,
  type PortSlot,
  type ServiceEntries,
  slotOfEntry,
  slotsOfRule,
} from "./port_slots.ts";

/** What the ports of apps depend on. */
export interface AppPortsOptions {
  /** Whether a port of the host can be bound at this moment. */
  isFree(port: number, transport: PublishedPort["transport"]): boolean;
  /** The reservations of all apps, running or not, as they are stored. */
  reservations?(): readonly PortReservation[];
}

/** Rules with their host ports. */
export interface ResolvedPorts {
  rules: PortRule[];
  /** What the app's log is to say of reservations, each once. */
  lines: string[];
}

/** A reserved port that an app cannot have. */
export interface RefusedPin {
  port: number;
  hostPort: number;
  refusal: PinRefusal;
}

/** The ports of an app that starts. `evicted`: apps whose equal reservations go after those of this app. */
export type PublishOutcome<Port = PublishedPort> =
  & { evicted: readonly AppId[] }
  & ({ kind: "published"; ports: Port[] } | { kind: "refused"; pins: RefusedPin[] });

/** What the container of an app, or its services, have at this moment. */
export interface CurrentPorts {
  rules: readonly PortRule[];
  /** Of a compose app: what its definition says. */
  services?: ServiceEntries | undefined;
  /** Of what exists; undefined when nothing does. */
  published: PortBindings | undefined;
  /** The container is up, so that its ports are reachable. */
  isRunning?: boolean;
}

/** The host ports of all apps. */
export class AppPorts {
  readonly #hostPorts: HostPorts;
  readonly #readReservations: () => readonly PortReservation[];
  /** Those that count for the work that is being done. */
  #reservations: readonly PortReservation[] = [];
  /** What was last said of the reservation of a declared port, by its key. */
  readonly #said = new Map<string, string>();
  /** Reserved ports that the engine could not bind at the last start, by key. */
  readonly #lost = new Map<string, number>();

  constructor(options: AppPortsOptions) {
    this.#readReservations = () => options.reservations?.() ?? [];
    this.#hostPorts = new HostPorts({
      isFree: (port, transport) => options.isFree(port, transport),
      reservations: () => this.#reservations,
    });
  }

  /**
   * The rules with the host ports that are known: those in use, else those of the existing container (`published`),
   * else those that Studio has stored. Chooses no port, and pins reserved ones for the next start.
   */
  resolve(app: AppId, { rules, services, published, isRunning = false }: CurrentPorts): ResolvedPorts {
    this.#refresh(app, rules);
    const lines: string[] = [];
    const resolved = rules.map((rule) => {
      const plain = rule.reservationError === "" ? rule : { ...rule, reservationError: "" };
      if (rule.localIp !== "") return plain;
      const [slot, ...others] = slotsOfRule(app, { rule, services });
      if (slot === undefined) {
        const onHost = services?.hostNetwork.find((entry) => isOfRule(entry, rule));
        return onHost === undefined ? plain : { ...plain, hostPort: onHost.containerPort };
      }
      const state = { slot, others, published, isRunning };
      if (reservedHostPort(app, rule) === 0) return this.#resolveFree(plain, state);
      const { line, ...found } = this.#resolveReserved(plain, state);
      if (line !== undefined && this.#isNews(slot.key, line)) lines.push(line);
      return found.rule;
    });
    return { rules: resolved, lines };
  }

  /**
   * The published ports of an app, each once. Chooses those that are missing: of a DEV app the declared ports
   * themselves, as far as they can be had. A rule with a reservation gets exactly that port, or nothing is published.
   * Throws `port_in_use` when no port is left.
   */
  publish(app: AppId, rules: readonly PortRule[], { published }: { published?: PortBindings } = {}): PublishOutcome {
    const used = rules.filter(({ localIp, port }) => localIp === "" && port !== 0);
    const wanted = used.flatMap((rule) => slotsOfRule(app, { rule }).map((slot): WantedSlot => ({ ...slot, rule })));
    const outcome = this.#publish(app, { rules: used, wanted, services: undefined, published });
    if (outcome.kind === "refused") return outcome;
    const ports = wanted.map(({ key: { port, transport }, hostPort = 0 }) => ({ port, transport, hostPort }));
    return { ...outcome, ports: [...new Map(ports.map((port) => [`${port.port}/${port.transport}`, port])).values()] };
  }

  /**
   * The same for a compose app: the host port of each entry in its definition that has one, or a rule. Throws
   * `port_in_use`.
   */
  publishServices(
    app: AppId,
    { rules, services, published }: Pick<CurrentPorts, "rules" | "published"> & { services: ServiceEntries },
  ): PublishOutcome<ServicePort> {
    const used = services.entries.flatMap((entry) => {
      const rule = rules.find((one) => isOfRule(entry, one));
      return rule === undefined && !entry.hasHostPort ? [] : [{ entry, wanted: { ...slotOfEntry(app, entry), rule } }];
    });
    const wanted: WantedSlot[] = used.map((one) => one.wanted);
    const outcome = this.#publish(app, { rules, wanted, services, published });
    if (outcome.kind === "refused") return outcome;
    const ports = used.map(({ entry: { service, containerPort, transport, port } }, index): ServicePort => {
      return { service, containerPort, transport, port, hostPort: wanted[index]?.hostPort ?? 0 };
    });
    return { ...outcome, ports };
  }

  /**
   * Replaces the host ports of an app that an error text of the engine names; false when it names none. Reserved ones
   * are never replaced: they are returned.
   */
  replace(
    app: AppId,
    { rules, engineText }: { rules: readonly PortRule[]; engineText: string },
  ): boolean | RefusedPin[] {
    this.#refresh(app, rules);
    const current = this.#hostPorts.keysOf(app).flatMap((key) => {
      const hostPort = this.#hostPorts.find(key);
      return hostPort === undefined ? [] : [{ key, hostPort }];
    });
    const named = new Map(portsNamedIn(engineText, current).map((port) => [keyText(port.key), port])).values()
      .toArray();
    const pinned = named.filter(({ key, hostPort }) => this.#hostPorts.findPin(key) === hostPort);
    for (const { key, hostPort } of pinned) this.#lost.set(keyText(key), hostPort);
    if (pinned.length > 0) {
      return pinned.map(({ key, hostPort }) => ({ port: key.port, hostPort, refusal: { kind: "process" } as const }));
    }
    for (const { key } of named) this.#hostPorts.reassign(key);
    return named.length > 0;
  }

  /** Who has a host port at this moment, also while it is only pinned. */
  ownerOf(hostPort: number, transport: PublishedPort["transport"]): PortKey | undefined {
    return this.#hostPorts.ownerOf(hostPort, transport);
  }

  /** Frees the host ports of an app. */
  release(app: AppId): void {
    this.#hostPorts.release(app);
    for (const notes of [this.#said, this.#lost]) {
      for (const key of [...notes.keys()]) if (key.startsWith(`${idText(app)} `)) notes.delete(key);
    }
  }

  /** What an app asks for now counts for it, whatever is stored. */
  #refresh(app: AppId, rules: readonly PortRule[]): void {
    const others = this.#readReservations().filter((one) => idText(one.app) !== idText(app));
    this.#reservations = [...others, ...reservationsOf(app, rules)];
    // A reservation that is removed drops its pin.
    for (const key of this.#hostPorts.keysOf(app)) {
      if (this.#reservationOf(key) === undefined) this.#endReservation(key);
    }
  }

  #reservationOf(key: PortKey): PortReservation | undefined {
    return this.#reservations.find((one) => isSameRule(one, key));
  }

  #endReservation(key: PortKey): void {
    this.#hostPorts.unpin(key);
    this.#said.delete(keyText(key));
    this.#lost.delete(keyText(key));
  }

  /** Chooses the host ports of what is wanted, and notes them there. */
  #publish(
    app: AppId,
    { rules, wanted, ...current }: Omit<CurrentPorts, "isRunning"> & { wanted: readonly WantedSlot[] },
  ): { evicted: AppId[] } & ({ kind: "published" } | { kind: "refused"; pins: RefusedPin[] }) {
    this.#refresh(app, rules);
    const { pins, evicted } = this.#pinAll(app, rules, current.services);
    if (pins.length > 0) return { kind: "refused", pins, evicted };
    for (const { key } of wanted) {
      this.#lost.delete(keyText(key));
      this.#hostPorts.usePin(key);
    }
    const names = keyTextsOf(wanted);
    for (const { key } of wanted) this.#hostPorts.inherit(key, names);
    // Of rules and entries that are gone.
    for (const key of this.#hostPorts.keysOf(app)) if (!names.has(keyText(key))) this.#hostPorts.drop(key);
    for (const slot of wanted) {
      this.#hostPorts.leaveReserved(slot.key);
      const preferred = this.#boundPort(slot, current.published) || (slot.rule?.hostPort ?? 0);
      if (app.stage === "DEV" && preferred === 0) this.#hostPorts.reserveDeclared(slot.key);
      slot.hostPort = this.#hostPorts.recoverOrReserve(slot.key, preferred);
    }
    return { kind: "published", evicted };
  }

  #pinAll(
    app: AppId,
    rules: readonly PortRule[],
    services: ServiceEntries | undefined,
  ): { pins: RefusedPin[]; evicted: AppId[] } {
    const pins: RefusedPin[] = [];
    const evicted: AppId[] = [];
    for (const rule of rules) {
      const hostPort = reservedHostPort(app, rule);
      const [slot, ...others] = hostPort === 0 ? [] : slotsOfRule(app, { rule, services });
      if (slot === undefined) continue;
      const outcome = this.#pinSlot({ slot, others }, { hostPort, isPublished: false, mayEvict: true });
      if (outcome.evicted !== undefined) evicted.push(outcome.evicted);
      if (outcome.refusal !== undefined) pins.push({ port: rule.port, hostPort, refusal: outcome.refusal });
    }
    return { pins, evicted };
  }

  /** A reservation is for one declared port, so no more than one service may have it. */
  #pinSlot(
    { slot, others }: { slot: PortSlot; others: readonly PortSlot[] },
    { hostPort, ...options }: { hostPort: number; isPublished: boolean; mayEvict: boolean },
  ): PinOutcome {
    if (others.length > 0) return { refusal: { kind: "ambiguousServices" } };
    return this.#pin(slot.key, hostPort, options);
  }

  #pin(key: PortKey, hostPort: number, options: { isPublished: boolean; mayEvict: boolean }): PinOutcome {
    const isAmbiguous = this.#reservations.some((one) => isSameRule(one, key) && one.hostPort !== hostPort);
    return isAmbiguous ? { refusal: { kind: "ambiguous" } } : this.#hostPorts.pin(key, hostPort, options);
  }

  #resolveFree(rule: PortRule, { slot, others, published }: SlotState): PortRule {
    for (const one of [slot, ...others]) this.#hostPorts.adopt(one.key, this.#boundPort(one, published));
    // Of several services the first one that has the port.
    const { key, name } = [slot, ...others].find((one) => this.#hostPorts.find(one.key) !== undefined) ?? slot;
    const former = this.#hostPorts.find(key) ?? this.#hostPorts.findFormer(key, keyTextsOf([slot, ...others]));
    if (former !== undefined) return { ...rule, hostPort: former };
    const known = this.#boundPort({ key, name }, published) || rule.hostPort;
    return known > 0 ? { ...rule, hostPort: this.#hostPorts.recoverOrReserve(key, known) } : rule;
  }

  #resolveReserved(rule: PortRule, state: SlotState): { rule: PortRule; line?: string | undefined } {
    const { slot, published, isRunning } = state;
    const { key } = slot;
    const { port, reservedHostPort: hostPort } = rule;
    const bound = this.#boundPort(slot, published);
    this.#hostPorts.adopt(key, bound);
    const isPublished = isRunning && isBound(published, { transport: key.transport, hostPort });
    const isLost = this.#lost.get(keyText(key)) === hostPort;
    const pinned = this.#pinSlot(state, { hostPort, isPublished, mayEvict: false });
    const refusal: PinRefusal | undefined = pinned.refusal ?? (isLost ? { kind: "process" } : undefined);
    if (refusal !== undefined) {
      const owned = this.#hostPorts.find(key) ?? 0;
      const current = isRunning ? bound || owned : owned === hostPort ? 0 : owned;
      const refused = { ...rule, hostPort: current, reservationError: refusalText(refusal, { port, hostPort }) };
      // An app that is started says so by itself.
      return { rule: refused, line: isRunning ? refusalLines(refusal, { port, hostPort }).join("\n") : undefined };
    }
    if (isRunning && bound > 0 && bound !== hostPort) {
      return { rule: { ...rule, hostPort: bound }, line: pendingLine({ port, hostPort, current: bound }) };
    }
    this.#hostPorts.usePin(key);
    this.#said.delete(keyText(key));
    return { rule: { ...rule, hostPort } };
  }

  /** Where what exists publishes it, rather on a port that is not another one's; 0 when it does not. */
  #boundPort({ key, name }: PortSlot, published: PortBindings | undefined): number {
    const bound = boundPorts(published, { name });
    const isOpen = (hostPort: number) => {
      const owner = this.#hostPorts.ownerOf(hostPort, key.transport);
      return owner === undefined || keyText(owner) === keyText(key);
    };
    return bound.find(isOpen) ?? bound[0] ?? 0;
  }

  #isNews(key: PortKey, line: string): boolean {
    if (this.#said.get(keyText(key)) === line) return false;
    this.#said.set(keyText(key), line);
    return true;
  }
}

function keyTextsOf(slots: readonly PortSlot[]): ReadonlySet<string> {
  return new Set(slots.map(({ key }) => keyText(key)));
}

interface WantedSlot extends PortSlot {
  rule: PortRule | undefined;
  hostPort?: number;
}

interface SlotState {
  slot: PortSlot;
  /** The same declared port in other services. */
  others: readonly PortSlot[];
  published: PortBindings | undefined;
  isRunning: boolean;
}
