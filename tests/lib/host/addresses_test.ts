import assert from "node:assert/strict";
import {
  chooseLanAddress,
  type InterfaceAddress,
  readInterfaces,
  readLanAddress,
  usableIpv4,
} from "../../../lib/host/addresses.ts";

const header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";

function route(name: string, options: { to?: string; flags?: string; metric?: number; mask?: string }): string {
  const { to = "00000000", flags = "0003", metric = 0, mask = "00000000" } = options;
  return `${name}\t${to}\t010200C0\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0  `;
}

function ipv4(interfaceName: string, address: string): InterfaceAddress {
  return { interfaceName, family: "IPv4", address, netmask: "255.255.255.0" };
}

const interfaces: InterfaceAddress[] = [
  ipv4("lo", "127.0.0.1"),
  ipv4("docker0", "172.17.0.1"),
  ipv4("br-12ab", "172.18.0.1"),
  ipv4("eth0", "10.0.0.5"),
  ipv4("wlan0", "192.168.1.9"),
  { interfaceName: "eth0", family: "IPv6", address: "fe80::1", netmask: "ffff:ffff:ffff:ffff::" },
];

const cases: { name: string; routes: string[]; expected: string }[] = [
  { name: "the default route", routes: [route("wlan0", {})], expected: "192.168.1.9" },
  {
    name: "the lower metric of two default routes",
    routes: [route("eth0", { metric: 600 }), route("wlan0", { metric: 100 })],
    expected: "192.168.1.9",
  },
  {
    name: "the longer mask before the lower metric",
    routes: [route("eth0", { metric: 0 }), route("wlan0", { to: "08080808", mask: "FFFFFFFF", metric: 900 })],
    expected: "192.168.1.9",
  },
  {
    name: "a route that is up and leads there",
    routes: [
      route("wlan0", { flags: "0002" }),
      route("wlan0", { to: "0000000A", mask: "000000FF" }),
      route("eth0", { metric: 9 }),
    ],
    expected: "10.0.0.5",
  },
  { name: "the first real interface without a route", routes: [], expected: "10.0.0.5" },
  {
    name: "the first real interface when that of the route has no address",
    routes: [route("tun0", {})],
    expected: "10.0.0.5",
  },
  {
    name: "the first real interface when that of the route belongs to the engine",
    routes: [route("docker0", {})],
    expected: "10.0.0.5",
  },
  { name: "garbage in the table", routes: ["x", "", "eth0\tzz\tzz\tzz\tzz"], expected: "10.0.0.5" },
];

for (const { name, routes, expected } of cases) {
  Deno.test(`chooseLanAddress() follows ${name}`, () => {
    assert.equal(chooseLanAddress(interfaces, [header, ...routes].join("\n")), expected);
  });
}

Deno.test("chooseLanAddress() is undefined when there is no usable address", () => {
  assert.equal(chooseLanAddress([], ""), undefined);
  assert.equal(
    chooseLanAddress([ipv4("lo", "127.0.0.1"), ipv4("br-1", "10.9.0.1"), ipv4("veth1", "10.8.0.1")], ""),
    undefined,
  );
});

Deno.test("usableIpv4() leaves out loopback, IPv6 and the engine's interfaces only", () => {
  assert.deepEqual(usableIpv4(interfaces).map((entry) => entry.interfaceName), ["br-12ab", "eth0", "wlan0"]);
});

Deno.test("readInterfaces() of this machine has loopback with its mask", () => {
  const loopback = readInterfaces().find(({ address }) => address === "127.0.0.1");
  assert.deepEqual(loopback, { interfaceName: "lo", family: "IPv4", address: "127.0.0.1", netmask: "255.0.0.0" });
});

Deno.test("readLanAddress() is one of this machine's addresses, or none", () => {
  const address = readLanAddress();
  assert.ok(address === undefined || readInterfaces().some((entry) => entry.address === address));
});
