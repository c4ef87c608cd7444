/** Answers whether a port rule could reserve a host port, which Studio asks before it saves a reservation. Pure. */

import { type AppId, idText, type PortRule } from "../../model/app.ts";
import type { Dict } from "../../base/json.ts";
import { countDeclarations } from "../compose/port_entries.ts";
import type { PublishedPort } from "./create_request.ts";
import { isDenied, isSameKey, type PortKey, reservationsOf, transportOf } from "./port_reservations.ts";

/** A declared port of an app, and the host port that is wanted for it; 0 asks whether reservations are known at all. */
export interface HostPortQuestion extends PortKey {
  hostPort: number;
}

/** The answer, with the reason as Studio spells it; empty when the port can be had. */
export interface HostPortAnswer {
  available: boolean;
  reason: "" | "ambiguous_compose_rule" | "denylisted" | "taken_by_app" | "taken_by_process";
}

/** What the answer depends on. */
export interface HostPortFacts {
  /** The rules of all apps, running or not. */
  apps: readonly { id: AppId; rules: readonly PortRule[] }[];
  /** Of the app that is asked for; null when it is none of several containers. */
  dockerCompose: Dict | null;
  /** Whose the port is at this moment. */
  owner: PortKey | undefined;
  /** Whether the port can be bound at this moment. */
  isFree(port: number, transport: PublishedPort["transport"]): boolean;
}

/** Answers it. Only a port that nobody has is probed. */
export function answerHostPort(question: HostPortQuestion, facts: HostPortFacts): HostPortAnswer {
  const { hostPort, transport } = question;
  if (hostPort === 0) return { available: true, reason: "" };
  if (countDeclarations(facts.dockerCompose, question) > 1) return refused("ambiguous_compose_rule");
  if (isDenied(hostPort)) return refused("denylisted");
  if (isTakenByApp(question, facts)) return refused("taken_by_app");
  if (isOwn(question, facts)) return { available: true, reason: "" };
  const isFree = hostPort <= 65_535 && facts.isFree(hostPort, transport);
  return isFree ? { available: true, reason: "" } : refused("taken_by_process");
}

function refused(reason: HostPortAnswer["reason"]): HostPortAnswer {
  return { available: false, reason };
}

/** Reserved for any other rule, or the port of another app. */
function isTakenByApp(question: HostPortQuestion, { apps, owner }: HostPortFacts): boolean {
  const { app, hostPort, transport } = question;
  if (owner !== undefined && idText(owner.app) !== idText(app)) return true;
  return apps.some(({ id, rules }) => {
    const isReserved = reservationsOf(id, rules).some((one) =>
      one.hostPort === hostPort && one.transport === transport && !isSameKey(one, question)
    );
    const isUsed = idText(id) !== idText(app) &&
      rules.some((rule) => rule.hostPort === hostPort && rule.localIp === "" && transportOf(rule) === transport);
    return isReserved || isUsed;
  });
}

/** The port of the rule, or that of another rule of the app, which gives way when the app starts again. */
function isOwn(question: HostPortQuestion, { apps, owner }: HostPortFacts): boolean {
  const { app, hostPort, transport } = question;
  if (owner !== undefined) return true;
  const own = apps.find(({ id }) => idText(id) === idText(app))?.rules ?? [];
  return reservationsOf(app, own).some((one) => one.hostPort === hostPort && isSameKey(one, question)) ||
    own.some((rule) => rule.hostPort === hostPort && rule.localIp === "" && transportOf(rule) === transport);
}
