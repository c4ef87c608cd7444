/** Decides which tunnels of an app stay, are opened and are closed, by its port rules. Pure. */

import type { PortRule } from "../model/app.ts";
import type { StoredRemotePort } from "../store/remote_port_rows.ts";
import {
  proxyProblem,
  readSubdomain,
  tunnelName,
  type TunnelProxy,
  tunnelProxy,
  usesRemotePort,
} from "./tunnel_proxy.ts";
import type { ProxyStatus } from "./tunnel_status.ts";

/** What the plan is made from. */
export interface TunnelPlanInput {
  deviceKey: number;
  appName: string;
  /** With their host ports, as far as they are known. */
  rules: readonly PortRule[];
  /** What becomes of active rules. `open`: the app runs, or is to run; `keep`: it stands; `close`: it goes. */
  wants: "open" | "keep" | "close";
  /** The proxies of the app that the client has. */
  present: readonly TunnelProxy[];
  /** What the client reports; undefined when it cannot be asked. */
  statuses: readonly ProxyStatus[] | undefined;
  /** The ports of the tunnel server that the app has been granted. */
  granted: readonly StoredRemotePort[];
  /** False for a tunnel that was built again not long ago. */
  mayRebuild(name: string): boolean;
}

/** What is to be done for the tunnel of a rule. */
export type TunnelStep =
  /** It stays as it is. `isDead`: it does not work, and its next try is not due. */
  | { kind: "keep"; name: string; proxy: TunnelProxy; isDead: boolean }
  /** It is opened, in place of `replaces` if there is one. The port to ask for is in `proxy`; 0 for any. */
  | { kind: "open"; name: string; proxy: TunnelProxy; replaces?: TunnelProxy; isDead: boolean }
  /** It cannot be opened. */
  | { kind: "refuse"; name: string; error: string }
  /** Nothing is done for the rule. */
  | { kind: "none"; name: string };

/** The plan for an app: a step for each rule, and the names of tunnels that no rule wants. */
export interface TunnelPlan {
  steps: TunnelStep[];
  remove: string[];
}

/** A tunnel that keeps failing is built again after 0, 10, 20, 40 … seconds, and at least every five minutes. */
export function rebuildDelayMs(failures: number): number {
  return failures === 0 ? 0 : Math.min(10_000 * 2 ** Math.min(failures - 1, 10), 300_000);
}

/** The plan. Of rules with the same tunnel the first active one counts. */
export function planTunnels(input: TunnelPlanInput): TunnelPlan {
  const names = input.rules.map((rule) => tunnelName({ ...input, port: rule.port, protocol: rule.protocol }));
  const used = new Map<string, PortRule>();
  for (const [index, rule] of input.rules.entries()) {
    const name = names[index] ?? "";
    if (input.wants !== "close" && rule.active && !used.has(name)) used.set(name, rule);
  }
  const present = new Map(input.present.map((proxy) => [proxy.name, proxy]));
  const steps = input.rules.map((rule, index): TunnelStep => {
    const name = names[index] ?? "";
    const user = used.get(name);
    return user === undefined || !rule.active ? { kind: "none", name } : stepOf(user, { ...input, name, present });
  });
  return { steps, remove: input.present.map(({ name }) => name).filter((name) => !used.has(name)) };
}

/** The proxies that are an app's by their names, or because the app has opened them under an earlier name. */
export function proxiesOf(
  proxies: readonly TunnelProxy[],
  { appName, isOwned }: { appName: string; isOwned(name: string): boolean | undefined },
): TunnelProxy[] {
  return proxies.filter(({ name, subdomain }) =>
    isOwned(name) ?? readSubdomain(subdomain)?.appName === appName.toLowerCase()
  );
}

/** The port of the tunnel server that the user of a rule wants; 0 when any will do. */
export function reservedRemotePort(rule: PortRule): number {
  return usesRemotePort(rule.protocol) ? rule.reservedRemotePort : 0;
}

type Context = Omit<TunnelPlanInput, "present"> & { name: string; present: ReadonlyMap<string, TunnelProxy> };

function stepOf(rule: PortRule, context: Context): TunnelStep {
  const { name, wants } = context;
  const present = context.present.get(name);
  const proxy = wantedProxy(rule, context);
  if (proxy === undefined || wants !== "open") {
    return present === undefined ? { kind: "none", name } : { kind: "keep", name, proxy: present, isDead: false };
  }
  const problem = proxyProblem(proxy);
  if (problem !== undefined) return { kind: "refuse", name, error: problem };
  if (present === undefined) return { kind: "open", name, proxy, isDead: false };
  const isSamePlace = present.localPort === proxy.localPort && present.localIp === proxy.localIp;
  const reserved = reservedRemotePort(rule);
  const isDead = !isWorking(name, context.statuses);
  if (!isSamePlace || (reserved > 0 && present.remotePort !== reserved)) {
    return { kind: "open", name, proxy, replaces: present, isDead: false };
  }
  if (isDead && context.mayRebuild(name)) return { kind: "open", name, proxy, replaces: present, isDead };
  return { kind: "keep", name, proxy: present, isDead };
}

/** Undefined while it is not known where the port is published. */
function wantedProxy(rule: PortRule, { deviceKey, appName, present, granted, name }: Context): TunnelProxy | undefined {
  const { port, protocol, localIp } = rule;
  const localPort = localIp === "" ? rule.hostPort : port;
  if (localPort === 0) return undefined;
  const known = granted.find((one) => one.protocol === protocol && one.port === port)?.remotePort ?? 0;
  const remotePort = reservedRemotePort(rule) || (present.get(name)?.remotePort ?? 0) || known || rule.remotePort;
  return tunnelProxy({ deviceKey, appName, port, protocol }, { localIp, localPort, remotePort });
}

/** A tunnel of which nothing is known may work. */
function isWorking(name: string, statuses: readonly ProxyStatus[] | undefined): boolean {
  if (statuses === undefined || statuses.length === 0) return true;
  const found = statuses.find((status) => status.name === name);
  return found !== undefined && found.error === "" && ["new", "wait start", "running"].includes(found.status);
}
