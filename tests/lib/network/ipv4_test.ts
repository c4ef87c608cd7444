import assert from "node:assert/strict";
import { busVariant } from "../../../lib/dbus/bus_values.ts";
import { checkAddress, checkGateway, ipv4Of, wantedIpv4, withIpv4 } from "../../../lib/network/ipv4.ts";

Deno.test("an address that no device could have is refused with a sentence", () => {
  const rows: [address: string, prefix: number, why: RegExp | undefined][] = [
    ["10.0.0.5", 24, undefined],
    ["10.0.0.0", 31, undefined],
    ["10.0.0.255", 32, undefined],
    ["10.0.1.0", 16, undefined],
    ["10.0.0.0", 24, /the address of the network/],
    ["10.0.0.255", 24, /broadcast/],
    ["0.0.0.5", 24, /no device/],
    ["224.0.0.1", 24, /no device/],
    ["10.0.0.5", 0, /prefix/],
    ["10.0.0.5", 4_294_967_320, /prefix/],
    ["10.0.0.256", 24, /not an IPv4/],
    ["10.0.0.5.", 24, /not an IPv4/],
    ["10.0.0.5\n", 24, /not an IPv4/],
    [" 10.0.0.5", 24, /not an IPv4/],
    ["x".repeat(10_000), 24, /not an IPv4/],
  ];
  for (const [address, prefix, why] of rows) {
    if (why === undefined) checkAddress({ address, prefix });
    else assert.throws(() => checkAddress({ address, prefix }), { code: "bad_request", message: why }, address);
  }
});

Deno.test("a gateway has to stay in the network of the address", () => {
  checkGateway({ address: "10.0.0.5", prefix: 24 }, "10.0.0.1");
  checkGateway({ address: "10.0.0.5", prefix: 24 }, "");
  const outside = { code: "bad_request", message: /10\.0\.1\.1 is outside/ };
  assert.throws(() => checkGateway({ address: "10.0.0.5", prefix: 24 }, "10.0.1.1"), outside);
  assert.throws(() => checkGateway({ address: "10.0.0.5", prefix: 32 }, "10.0.0.1"), { message: /is outside/ });
});

Deno.test("a static address keeps gateway and name servers, and DHCP drops them", () => {
  const group = new Map([
    ["method", busVariant("s", "auto")],
    ["addresses", busVariant("aau", [[1, 2, 3]])],
    ["dns-search", busVariant("as", ["x"])],
  ]);
  const ipv6 = new Map([["addresses", busVariant("a(ayuay)", [])], ["method", busVariant("s", "ignore")]]);
  const profile = { settings: new Map([["ipv4", group], ["ipv6", ipv6]]) };
  const current = { gateway: "10.0.0.1", nameServers: [0x0500000a] };
  const wanted = wantedIpv4({ method: "manual", address: "10.0.0.5", prefix: 24 }, current);
  const settings = withIpv4(profile, wanted);
  const ipv4 = settings.get("ipv4");
  assert.deepEqual([...ipv4?.keys() ?? []].sort(), ["address-data", "dns", "dns-search", "gateway", "method"]);
  assert.deepEqual(ipv4?.get("dns"), busVariant("au", [0x0500000a]));
  assert.deepEqual(ipv4?.get("gateway"), busVariant("s", "10.0.0.1"));
  assert.deepEqual([...settings.get("ipv6")?.keys() ?? []], ["method"]);
  assert.deepEqual(ipv4Of({ settings }), wanted);
  const automatic = withIpv4({ settings }, wantedIpv4({ method: "auto" }, current)).get("ipv4");
  assert.deepEqual([...automatic?.keys() ?? []].sort(), ["dns-search", "method"]);
  assert.equal(automatic?.get("method")?.value, "auto");
  const without = withIpv4(profile, { ...wanted, gateway: "", nameServers: [] }).get("ipv4");
  assert.equal(without?.has("gateway") || without?.has("dns"), false);
});
