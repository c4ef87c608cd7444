/** Where the host publishes the ports of apps: each declared port has a host port for as long as the agent runs. */

import { type AppId, idText, type PortRule } from "../../model/app.ts";
import type { PortBinding } from "../../docker/decode.ts";
import type { PublishedPort } from "./create_request.ts";
import { HostPorts, type PinOutcome, portsNamedIn } from "./host_ports.ts";
import {
  keyText,
  pendingLine,
  type PinRefusal,
  type PortKey,
  type PortReservation,
  refusalLines,
  refusalText,
  reservationsOf,
  reservedHostPort,
  transportOf,
} from "./port_reservations.ts";

/** Where the ports of a container are published, by `<port>/<protocol>`. */
export type PortBindings = Readonly<Record<string, readonly PortBinding[]>>;

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
export type PublishOutcome =
  & { evicted: readonly AppId[] }
  & ({ kind: "published"; ports: PublishedPort[] } | { kind: "refused"; pins: RefusedPin[] });

/** What the container of an app has at this moment. */
export interface CurrentPorts {
  rules: readonly PortRule[];
  /** Of the app's container; undefined when there is none. */
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
  resolve(app: AppId, { rules, published, isRunning = false }: CurrentPorts): ResolvedPorts {
    this.#refresh(app, rules);
    const lines: string[] = [];
    const resolved = rules.map((rule) => {
      const plain = rule.reservationError === "" ? rule : { ...rule, reservationError: "" };
      if (rule.localIp !== "") return plain;
      const key = keyOf(app, rule);
      if (reservedHostPort(app, rule) === 0) {
        return this.#resolveFree(plain, { key, published });
      }
      const { line, ...found } = this.#resolveReserved(plain, { key, published, isRunning });
      if (line !== undefined && this.#isNews(key, line)) lines.push(line);
      return found.rule;
    });
    return { rules: resolved, lines };
  }

  /**
   * The published ports of an app, each once. Chooses those that are missing. A rule with a reservation gets exactly
   * that port, or nothing is published. Throws `port_in_use` when no port is left.
   */
  publish(app: AppId, rules: readonly PortRule[]): PublishOutcome {
    this.#refresh(app, rules);
    const used = rules.filter(({ localIp, port }) => localIp === "" && port !== 0);
    const { pins, evicted } = this.#pinAll(app, used);
    if (pins.length > 0) return { kind: "refused", pins, evicted };
    const ports = new Map<string, PublishedPort>();
    const keys = used.map((rule) => ({ key: keyOf(app, rule), rule }));
    for (const { key } of keys) {
      this.#lost.delete(keyText(key));
      this.#hostPorts.usePin(key);
    }
    const names = new Set(keys.map(({ key }) => keyText(key)));
    // Of rules that are gone.
    for (const key of this.#hostPorts.keysOf(app)) if (!names.has(keyText(key))) this.#hostPorts.drop(key);
    for (const { key, rule } of keys) {
      this.#hostPorts.leaveReserved(key);
      const hostPort = this.#hostPorts.recoverOrReserve(key, rule.hostPort);
      ports.set(keyText(key), { port: key.port, transport: key.transport, hostPort });
    }
    return { kind: "published", ports: [...ports.values()], evicted };
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
    const current = rules.filter(({ localIp }) => localIp === "").flatMap((rule) => {
      const key = keyOf(app, rule);
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
    return this.#reservations.find((one) => keyText(one) === keyText(key));
  }

  #endReservation(key: PortKey): void {
    this.#hostPorts.unpin(key);
    this.#said.delete(keyText(key));
    this.#lost.delete(keyText(key));
  }

  #pinAll(app: AppId, rules: readonly PortRule[]): { pins: RefusedPin[]; evicted: AppId[] } {
    const pins: RefusedPin[] = [];
    const evicted: AppId[] = [];
    for (const rule of rules) {
      const hostPort = reservedHostPort(app, rule);
      if (hostPort === 0) continue;
      const outcome = this.#pin(keyOf(app, rule), hostPort, { isPublished: false, mayEvict: true });
      if (outcome.evicted !== undefined) evicted.push(outcome.evicted);
      if (outcome.refusal !== undefined) pins.push({ port: rule.port, hostPort, refusal: outcome.refusal });
    }
    return { pins, evicted };
  }

  #pin(key: PortKey, hostPort: number, options: { isPublished: boolean; mayEvict: boolean }): PinOutcome {
    const isAmbiguous = this.#reservations.some((one) => keyText(one) === keyText(key) && one.hostPort !== hostPort);
    return isAmbiguous ? { refusal: { kind: "ambiguous" } } : this.#hostPorts.pin(key, hostPort, options);
  }

  #resolveFree(rule: PortRule, { key, published }: { key: PortKey; published: PortBindings | undefined }): PortRule {
    this.#hostPorts.adopt(key, boundPort(published, key));
    const known = this.#hostPorts.find(key) ?? (boundPort(published, key) || rule.hostPort);
    return known > 0 ? { ...rule, hostPort: this.#hostPorts.recoverOrReserve(key, known) } : rule;
  }

  #resolveReserved(
    rule: PortRule,
    { key, published, isRunning }: { key: PortKey; published: PortBindings | undefined; isRunning: boolean },
  ): { rule: PortRule; line?: string | undefined } {
    const { port, reservedHostPort: hostPort } = rule;
    const bound = boundPort(published, key);
    this.#hostPorts.adopt(key, bound);
    const isPublished = isRunning && isBound(published, { transport: key.transport, hostPort });
    const isLost = this.#lost.get(keyText(key)) === hostPort;
    const pinned = this.#pin(key, hostPort, { isPublished, mayEvict: false });
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

  #isNews(key: PortKey, line: string): boolean {
    if (this.#said.get(keyText(key)) === line) return false;
    this.#said.set(keyText(key), line);
    return true;
  }
}

function keyOf(app: AppId, rule: PortRule): PortKey {
  return { app: { appKey: app.appKey, stage: app.stage }, transport: transportOf(rule), port: rule.port };
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

/** True when the container publishes any of its ports on this port of the host. */
function isBound(
  published: PortBindings | undefined,
  { transport, hostPort }: Pick<PublishedPort, "transport" | "hostPort">,
): boolean {
  return Object.entries(published ?? {}).some(([name, bindings]) =>
    name.endsWith(`/${transport}`) && bindings.some((binding) => binding.hostPort === hostPort)
  );
}
