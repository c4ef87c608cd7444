/** What a port rule says once something was done for its tunnel. Pure. */

import type { PortRule } from "../model/app.ts";
import { reservedRemotePort } from "./tunnel_plan.ts";

/**
 * What has become of the tunnel of a rule. `open`: it is configured, on this port of the tunnel server; 0 for tunnels
 * without one. `failed`: it is not there. `none`: nothing was done, and nothing is to be said.
 */
export type TunnelOutcome =
  | { kind: "open"; remotePort: number }
  | { kind: "failed"; error: string }
  | { kind: "none" };

/** Why the reservation of a rule is not fulfilled; empty when it is, and for rules without one. */
export function reservationProblem(rule: PortRule, outcome: TunnelOutcome): string {
  const reserved = reservedRemotePort(rule);
  if (reserved === 0 || outcome.kind === "none") return "";
  if (outcome.kind === "failed") return outcome.error;
  const granted = outcome.remotePort;
  return granted === reserved ? "" : `tunnel granted port ${granted} instead of reserved ${reserved}`;
}

/** What the log of the app says of it. */
export function reservationLine(rule: PortRule, problem: string): string {
  return `Reserved tunnel port ${rule.reservedRemotePort} for port ${rule.port} could not be established: ${problem}. ` +
    "Reserved ports are never reassigned automatically - free the port or change the reservation.";
}

/**
 * The rule as Studio is to know it. A reserved port is never given up for the one that was granted. A problem with a
 * reservation goes behind the one that the rule has already, of its host port.
 */
export function ruleAfter(rule: PortRule, { outcome, problem }: { outcome: TunnelOutcome; problem: string }): PortRule {
  const reservationError = [rule.reservationError, problem].filter((text) => text !== "").join("; ");
  if (outcome.kind !== "open") return { ...rule, reservationError };
  const remotePort = reservedRemotePort(rule) || outcome.remotePort || rule.remotePort;
  return { ...rule, remotePort, reservationError };
}
