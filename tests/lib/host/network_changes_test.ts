import assert from "node:assert/strict";
import {
  type NetworkReader,
  type NetworkState,
  readFingerprint,
  watchNetworkChanges,
} from "../../../lib/host/network_changes.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
const noRoute: NetworkState = { addresses: [{ name: "lo", address: "127.0.0.1" }], routes: head, routesV6: "" };
const routes = `${head}eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\tFFFFFF00\t0\t0\t0\n`;
const home: NetworkState = {
  addresses: [{ name: "lo", address: "127.0.0.1" }, { name: "eth0", address: "192.0.2.2" }],
  routes,
  routesV6: "",
};
const zeros = "0".repeat(32);
const routeV6 =
  `${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n`;

function readerOf(state: NetworkState, states: Record<string, string> = {}): NetworkReader {
  return { state: () => state, linkState: (name) => states[name] ?? "up" };
}

const same: { name: string; state: NetworkState; states?: Record<string, string> }[] = [
  { name: "use counters", state: { ...home, routes: routes.replace("0003\t0\t0", "0003\t5\t77") } },
  {
    name: "a container's interface",
    state: { ...home, addresses: [...home.addresses, { name: "veth12", address: "10.0.0.9" }] },
  },
  {
    name: "a container network",
    state: { ...home, addresses: [{ name: "br-ab12", address: "172.18.0.1" }, ...home.addresses] },
  },
  {
    name: "link-local addresses",
    state: {
      ...home,
      addresses: [
        ...home.addresses,
        { name: "eth0", address: "fe80::1" },
        { name: "wlan0", address: "169.254.7.7" },
      ],
    },
  },
  { name: "a link without a default route", state: home, states: { eth1: "down", docker0: "down" } },
];

for (const { name, state, states } of same) {
  Deno.test(`readFingerprint() ignores ${name}`, () => {
    assert.equal(readFingerprint(readerOf(state, states)), readFingerprint(readerOf(home)));
  });
}

const different: { name: string; state: NetworkState; states?: Record<string, string> }[] = [
  { name: "a lost network", state: noRoute },
  { name: "a new address", state: { ...home, addresses: [{ name: "eth0", address: "192.0.2.3" }] } },
  { name: "a new gateway", state: { ...home, routes: routes.replace("010200C0", "020200C0") } },
  { name: "a default route through another interface", state: { ...home, routes: routes.replaceAll("eth0", "wlan0") } },
  { name: "a default route of IPv6", state: { ...home, routesV6: routeV6 } },
  { name: "a link that went down below a route", state: home, states: { eth0: "down" } },
];

for (const { name, state, states } of different) {
  Deno.test(`readFingerprint() sees ${name}`, () => {
    assert.notEqual(readFingerprint(readerOf(state, states)), readFingerprint(readerOf(home)));
  });
}

Deno.test("watchNetworkChanges() yields once per change and ends with its signal", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  let state = noRoute;
  const reader: NetworkReader = { state: () => state, linkState: () => "up" };
  const changes: number[] = [];
  const watching = (async () => {
    for await (const _ of watchNetworkChanges({ clock, reader }, controller.signal)) changes.push(clock.now());
  })();
  await clock.advance(2_500);
  state = home;
  await clock.advance(2_500);
  state = noRoute;
  await clock.advance(1_000);
  assert.deepEqual(changes, [3_000, 6_000]);
  controller.abort();
  await watching;
  assert.equal(clock.sleeping, 0);
});

Deno.test("watchNetwork() reads the machine's own network and ends at once when it may not begin", async () => {
  for await (const _ of watchNetworkChanges({ clock: new FakeClock() }, AbortSignal.abort())) {
    assert.fail("nothing changed");
  }
});
