/** What a port rule stands for in an app of one container, and in one of several services. Pure. */

import type { AppId, PortRule } from "../../model/app.ts";
import type { PortBinding } from "../../docker/decode.ts";
import type { PortEntries, PortEntry } from "../compose/port_entries.ts";
import type { ObservedService } from "../state/observed_app.ts";
import type { PublishedPort } from "./create_request.ts";
import { keyText, type PortKey, transportOf } from "./port_reservations.ts";

/**
 * Where the ports of an app are published: by `<port>/<protocol>` those of its container, by
 * `<service>|<port>/<protocol>` those of its services.
 */
export type PortBindings = Readonly<Record<string, readonly PortBinding[]>>;

/** What the definition of a compose app says of its ports. */
export type ServiceEntries = Pick<PortEntries, "entries" | "hostNetwork">;

/** A declared port that can have a host port, and its name in `PortBindings`. */
export interface PortSlot {
  key: PortKey;
  name: string;
}

/** The slot of an entry in the definition of a compose app. */
export function slotOfEntry(app: AppId, { service, containerPort, transport, port }: PortEntry): PortSlot {
  const key = { app: { appKey: app.appKey, stage: app.stage }, transport, port, service };
  return { key, name: `${service}|${containerPort}/${transport}` };
}

/** The slots that a rule names: one of an app with one container, any number of one with several services. */
export function slotsOfRule(
  app: AppId,
  { rule, services }: { rule: PortRule; services?: ServiceEntries | undefined },
): PortSlot[] {
  if (services === undefined) {
    const { port } = rule;
    const transport = transportOf(rule);
    const key = { app: { appKey: app.appKey, stage: app.stage }, transport, port };
    return [{ key, name: `${port}/${transport}` }];
  }
  const slots = services.entries.filter((entry) => isOfRule(entry, rule)).map((entry) => slotOfEntry(app, entry));
  return [...new Map(slots.map((slot) => [keyText(slot.key), slot])).values()];
}

/** True for the rule that names a declared port of this app, and not one of another machine. */
export function isOfRule({ port, transport }: Pick<PortEntry, "port" | "transport">, rule: PortRule): boolean {
  return rule.localIp === "" && rule.port === port && transportOf(rule) === transport;
}

/** Where the services of a project are published. */
export function publishedBy(services: readonly Pick<ObservedService, "service" | "published">[]): PortBindings {
  const all = services.flatMap(({ service, published = {} }) =>
    Object.entries(published).map(([name, bindings]) => [`${service}|${name}`, bindings] as const)
  );
  const merged = Map.groupBy(all, ([name]) => name);
  return Object.fromEntries([...merged].map(([name, parts]) => [name, parts.flatMap(([, bindings]) => bindings)]));
}

/** The host ports of what exists, those on all addresses first. */
export function boundPorts(published: PortBindings | undefined, { name }: Pick<PortSlot, "name">): number[] {
  const bindings = published?.[name] ?? [];
  const isOnAll = ({ hostIp }: PortBinding) => ["", "0.0.0.0", "::"].includes(hostIp);
  const sorted = [...bindings.filter(isOnAll), ...bindings.filter((binding) => !isOnAll(binding))];
  return [...new Set(sorted.map(({ hostPort }) => hostPort).filter((hostPort) => hostPort > 0))];
}

/** True when any port of the app is published on this port of the host. */
export function isBound(
  published: PortBindings | undefined,
  { transport, hostPort }: Pick<PublishedPort, "transport" | "hostPort">,
): boolean {
  return Object.entries(published ?? {}).some(([name, bindings]) =>
    name.endsWith(`/${transport}`) && bindings.some((binding) => binding.hostPort === hostPort)
  );
}
