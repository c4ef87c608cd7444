/** Host ports that users have reserved for port rules: whose they are, and what is said when one is taken. Pure. */

import { type AppId, idText, type PortRule } from "../../model/app.ts";
import type { PublishedPort } from "./create_request.ts";

/** A declared port of an app. */
export interface PortKey {
  app: AppId;
  transport: PublishedPort["transport"];
  port: number;
  /** The service of a compose app that declares it. */
  service?: string;
}

/** The host port that is reserved for a declared port. */
export interface PortReservation extends PortKey {
  hostPort: number;
}

/**
 * Why a reserved port cannot be had. `reserved`: a rule of another app has the same reservation and goes first.
 * `ambiguousServices`: several services of a compose app declare the port.
 */
export type PinRefusal =
  | { kind: "ambiguous" | "ambiguousServices" | "denylisted" | "ownRule" | "process" }
  | { kind: "app"; app: AppId }
  | { kind: "reserved"; app: AppId };

/** Ports that the agent needs for itself. */
export const deniedHostPorts = { first: 7_000, last: 7_499 } as const;

/** The transport of a rule. */
export function transportOf(rule: Pick<PortRule, "protocol">): PublishedPort["transport"] {
  return rule.protocol === "udp" ? "udp" : "tcp";
}

/** The host port that a rule reserves; 0 for rules whose reservation has no effect. */
export function reservedHostPort(app: AppId, rule: PortRule): number {
  const isHonored = app.stage === "PROD" && rule.localIp === "" && ["tcp", "udp"].includes(rule.protocol);
  return isHonored ? rule.reservedHostPort : 0;
}

/** The reservations of an app. */
export function reservationsOf(app: AppId, rules: readonly PortRule[]): PortReservation[] {
  return rules.flatMap((rule) => {
    const hostPort = reservedHostPort(app, rule);
    return hostPort === 0 ? [] : [{ app, transport: transportOf(rule), port: rule.port, hostPort }];
  });
}

/** True for a port that the agent needs for itself. */
export function isDenied(hostPort: number): boolean {
  return hostPort >= deniedHostPorts.first && hostPort <= deniedHostPorts.last;
}

/** The key of a declared port in maps: `<app> <port>/<transport>`, with the service behind it if it has one. */
export function keyText(key: PortKey): string {
  return key.service === undefined ? ruleText(key) : `${ruleText(key)} ${key.service}`;
}

/** True for the same declared port of the same app, in the same service. */
export function isSameKey(one: PortKey, other: PortKey): boolean {
  return keyText(one) === keyText(other);
}

/** True for declared ports that one rule names, in whatever service. */
export function isSameRule(one: PortKey, other: PortKey): boolean {
  return ruleText(one) === ruleText(other);
}

/**
 * Whose reservation keeps a declared port from using this host port: any other one; of equal reservations the lower app
 * key wins, then the lower declared port. Undefined when there is none.
 */
export function findRival(
  reservations: readonly PortReservation[],
  { key, hostPort }: { key: PortKey; hostPort: number },
): PortReservation | undefined {
  const wanted = reservations.filter((one) => one.hostPort === hostPort && one.transport === key.transport);
  const own = wanted.find((one) => isSameRule(one, key));
  const others = wanted.filter((one) => !isSameRule(one, key) && (own === undefined || precedence(one, own) < 0));
  return others.sort(precedence)[0];
}

/** The refusal as the error of a transition and of the rule. */
export function refusalText(refusal: PinRefusal, { port, hostPort }: { port: number; hostPort: number }): string {
  const subject = `reserved host port ${hostPort}`;
  switch (refusal.kind) {
    case "ambiguous":
      return `${subject} for port ${port} is ambiguous: several rules declare the port`;
    case "ambiguousServices":
      return `${subject} for port ${port} is ambiguous: several compose services declare the port ` +
        "(ambiguous_compose_rule)";
    case "denylisted":
      return `${subject} is denylisted (agent-internal port)`;
    case "app":
    case "reserved":
      return `${subject} is already used by another app`;
    case "ownRule":
      return `${subject} is already used by another rule of the app`;
    case "process":
      return `${subject} is in use by another process`;
  }
}

/** What the app's log says of the refusal. */
export function refusalLines(refusal: PinRefusal, pin: { port: number; hostPort: number }): string[] {
  const { port, hostPort } = pin;
  const unavailable = `Reserved host port ${hostPort} for port ${port} is unavailable: ${refusalText(refusal, pin)}. ` +
    "Reserved ports are never reassigned automatically - free the port or change the reservation.";
  if (refusal.kind !== "reserved") return [unavailable];
  const winner = `Reserved host port ${hostPort} for port ${port} is also reserved for app ${refusal.app.appKey}, ` +
    "which has the lower app key and goes first.";
  return [unavailable, winner];
}

/** What the log of a running app says of a reservation that is not in use yet. `current`: where the port is now. */
export function pendingLine({ port, hostPort, current }: { port: number; hostPort: number; current: number }): string {
  return `Reserved host port ${hostPort} for port ${port} takes effect on the next restart of the app; ` +
    `until then port ${port} stays reachable on host port ${current}.`;
}

function ruleText({ app, transport, port }: PortKey): string {
  return `${idText(app)} ${port}/${transport}`;
}

function precedence(one: PortReservation, other: PortReservation): number {
  return one.app.appKey - other.app.appKey || one.port - other.port;
}
