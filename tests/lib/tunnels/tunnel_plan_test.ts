import assert from "node:assert/strict";
import type { PortRule } from "../../../lib/model/app.ts";
import {
  planTunnels,
  proxiesOf,
  rebuildDelayMs,
  type TunnelPlan,
  type TunnelPlanInput,
} from "../../../lib/tunnels/tunnel_plan.ts";
import { tunnelProxy } from "../../../lib/tunnels/tunnel_proxy.ts";
import type { ProxyStatus } from "../../../lib/tunnels/tunnel_status.ts";
import { portRule } from "./port_rules.ts";

const identity = { deviceKey: 512, appName: "Metrics", port: 1883, protocol: "tcp" } as const;
const rule = portRule({ port: 1883, hostPort: 40_008 });
const proxy = tunnelProxy(identity, { localIp: "", localPort: 40_008, remotePort: 31_044 });
const web = portRule({ port: 3000, protocol: "http", hostPort: 40_007 });
const webProxy = tunnelProxy({ ...identity, port: 3000, protocol: "http" }, {
  ...{ localIp: "", localPort: 40_007, remotePort: 0 },
});

function status(state: string, error = ""): ProxyStatus {
  const places = { localAddress: "", plugin: "", remoteAddress: "", remotePort: 0 };
  return { name: proxy.name, protocol: "tcp", status: state, error, ...places };
}

/** The plan in words: `open 40008 0`, `open 40008 0 again`, `keep 0`, `keep dead`, `none`, `refuse`; then what goes. */
function words({ steps, remove }: TunnelPlan): string[] {
  const shown = steps.map((step) => {
    switch (step.kind) {
      case "open":
        return `open ${step.proxy.localPort} ${step.proxy.remotePort}${step.isDead ? " again" : ""}`;
      case "keep":
        return step.isDead ? "keep dead" : `keep ${step.proxy.remotePort}`;
      case "none":
      case "refuse":
        return step.kind;
    }
  });
  return [...shown, ...remove.map((name) => `remove ${name}`)];
}

interface Case {
  name: string;
  rules?: PortRule[];
  given?: Partial<TunnelPlanInput>;
  expected: string[];
}

const present = [proxy];
const inactive = portRule({ ...rule, active: false });
const reserved = portRule({ ...rule, reservedRemotePort: 31_100 });
const granted = [{ protocol: "tcp", port: 1883, remotePort: 31_050 }] as const;

const cases: Case[] = [
  { name: "an active rule opens a tunnel", expected: ["open 40008 0"] },
  { name: "a rule without tunnel and not active", rules: [inactive], expected: ["none"] },
  { name: "a rule whose host port is not known waits", rules: [portRule({ hostPort: 0 })], expected: ["none"] },
  {
    name: "a rule whose host port is not known any more keeps its tunnel",
    rules: [portRule({ ...rule, hostPort: 0 })],
    given: { present },
    expected: ["keep 31044"],
  },
  {
    name: "a rule for another machine leads to the declared port",
    rules: [portRule({ port: 502, localIp: "10.0.0.7" })],
    expected: ["open 502 0"],
  },
  {
    name: "an http rule asks for no remote port",
    rules: [portRule({ ...web, remotePort: 5 })],
    expected: ["open 40007 0"],
  },
  {
    name: "the port that Studio knows",
    rules: [portRule({ ...rule, remotePort: 31_044 })],
    expected: ["open 40008 31044"],
  },
  {
    name: "the port that was granted before goes before what Studio knows",
    rules: [portRule({ ...rule, remotePort: 31_044 })],
    given: { granted },
    expected: ["open 40008 31050"],
  },
  { name: "a reserved port goes before all", rules: [reserved], given: { granted }, expected: ["open 40008 31100"] },
  { name: "a tunnel stays", given: { present }, expected: ["keep 31044"] },
  {
    name: "a tunnel that waits for the server stays",
    given: { present, statuses: [status("wait start")] },
    expected: ["keep 31044"],
  },
  { name: "a tunnel that runs stays", given: { present, statuses: [status("running")] }, expected: ["keep 31044"] },
  {
    name: "M41: a tunnel keeps its port, whatever Studio sends",
    rules: [portRule({ ...rule, remotePort: 0 })],
    given: { present, granted },
    expected: ["keep 31044"],
  },
  {
    name: "M42: another host port replaces the tunnel and keeps its remote port",
    rules: [portRule({ ...rule, hostPort: 40_999 })],
    given: { present },
    expected: ["open 40999 31044"],
  },
  {
    name: "another machine replaces the tunnel",
    rules: [portRule({ ...rule, localIp: "10.0.0.7" })],
    given: { present },
    expected: ["open 1883 31044"],
  },
  { name: "a reservation that does not fit", rules: [reserved], given: { present }, expected: ["open 40008 31100"] },
  {
    name: "a reservation that fits",
    rules: [portRule({ ...rule, reservedRemotePort: 31_044 })],
    given: { present },
    expected: ["keep 31044"],
  },
  {
    name: "a dead tunnel",
    given: { present, statuses: [status("start error")] },
    expected: ["open 40008 31044 again"],
  },
  {
    name: "a tunnel with an error",
    given: { present, statuses: [status("running", "x")] },
    expected: ["open 40008 31044 again"],
  },
  {
    name: "a tunnel that the client has lost",
    given: { present, statuses: [{ ...status("running"), name: "other" }] },
    expected: ["open 40008 31044 again"],
  },
  {
    name: "a dead tunnel whose next try is not due",
    given: { present, statuses: [status("closed")], mayRebuild: () => false },
    expected: ["keep dead"],
  },
  { name: "the client reports nothing", given: { present, statuses: [] }, expected: ["keep 31044"] },
  {
    name: "M43: a rule that is switched off",
    rules: [inactive],
    given: { present },
    expected: ["none", `remove ${proxy.name}`],
  },
  {
    name: "a rule that is gone",
    rules: [web],
    given: { present: [proxy, webProxy] },
    expected: ["keep 0", `remove ${proxy.name}`],
  },
  {
    name: "a rule with another protocol",
    rules: [portRule({ ...rule, protocol: "udp" })],
    given: { present },
    expected: ["open 40008 0", `remove ${proxy.name}`],
  },
  { name: "a stopped app keeps its tunnels", given: { wants: "keep", present }, expected: ["keep 31044"] },
  { name: "a stopped app gets no tunnel", given: { wants: "keep" }, expected: ["none"] },
  {
    name: "a stopped app loses the tunnels that are switched off",
    rules: [inactive],
    given: { wants: "keep", present },
    expected: ["none", `remove ${proxy.name}`],
  },
  { name: "an app that goes", given: { wants: "close", present }, expected: ["none", `remove ${proxy.name}`] },
  { name: "two rules for one port, one of them active", rules: [inactive, rule], expected: ["none", "open 40008 0"] },
  {
    name: "two active rules for one port",
    rules: [rule, portRule({ ...rule, hostPort: 40_999 })],
    expected: ["open 40008 0", "open 40008 0"],
  },
  {
    name: "M59: tcp and http of one port are two tunnels",
    rules: [rule, portRule({ ...rule, protocol: "http" })],
    expected: [
      ..."open 40008 0,open 40008 0".split(","),
    ],
  },
  { name: "an address that is none", rules: [portRule({ localIp: "a b\n" })], expected: ["refuse"] },
  { name: "no rules", rules: [], given: { present }, expected: [`remove ${proxy.name}`] },
];

for (const { name, rules = [rule], given, expected } of cases) {
  Deno.test(`planTunnels(): ${name}`, () => {
    const plan = planTunnels({
      ...{ deviceKey: 512, appName: "Metrics", rules, wants: "open", present: [], statuses: undefined, granted: [] },
      mayRebuild: () => true,
      ...given,
    });
    assert.deepEqual(words(plan), expected);
  });
}

Deno.test("rebuildDelayMs() doubles from ten seconds up to five minutes", () => {
  const delays = [0, 1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) => rebuildDelayMs(failures) / 1_000);
  assert.deepEqual(delays, [0, 10, 20, 40, 80, 160, 300, 300, 300]);
});

Deno.test("proxiesOf() finds the tunnels of an app by its name, and by what it has opened", () => {
  const of = (appName: string, port: number) =>
    tunnelProxy({ deviceKey: 512, appName, port, protocol: "https" }, { localIp: "", localPort: 1, remotePort: 0 });
  const all = [of("metrics", 1), of("metrics-2", 1), of("former", 1), of("Metrics", 2)];
  const owned = new Map([["secure-512-former-1-https", true], ["secure-512-metrics-2-https", false]]);
  const found = proxiesOf(all, { appName: "MeTRics", isOwned: (name) => owned.get(name) });
  assert.deepEqual(found.map(({ name }) => name), ["secure-512-metrics-1-https", "secure-512-former-1-https"]);
});
