// box
/** The network of a real machine changes while a link is down. */

import assert from "node:assert/strict";
import { systemClock } from "../../lib/async/clock.ts";
import { type NetworkReader, watchNetworkChanges } from "../../lib/host/network_changes.ts";
import { requireBox } from "../../scripts/testbed/box.ts";
import { startRouter } from "../lib/wamp/open_session.ts";
import { startLink } from "../lib/wamp/start_link.ts";

/** Reads the machine's tables with a child process: the runtime reads /proc only with all permissions. */
const reader: NetworkReader = {
  state: () => ({
    addresses: Deno.networkInterfaces(),
    routes: read("/proc/net/route"),
    routesV6: read("/proc/net/ipv6_route"),
  }),
  // The box shares the /sys of the machine outside, which does not list its interfaces.
  linkState: () => "up",
};

function read(path: string): string {
  return new TextDecoder().decode(new Deno.Command("cat", { args: [path] }).outputSync().stdout);
}

async function ip(...args: string[]): Promise<void> {
  const output = await new Deno.Command("ip", { args, stderr: "piped" }).output();
  assert.equal(output.code, 0, new TextDecoder().decode(output.stderr));
}

Deno.test("a link that waits for its next dial dials at once when an interface gets an address and a route", async () => {
  requireBox();
  await ip("link", "add", "lan0", "type", "veth", "peer", "name", "peer0");
  await ip("link", "set", "lan0", "up");
  await ip("link", "set", "peer0", "up");
  await using router = await startRouter();
  router.refuse();
  // All waits are as long as possible: without a network change the link would stay down for minutes.
  const device = startLink(router.url, {
    random: () => 0.999,
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms === 1_000 ? 100 : ms * 1_000, signal) },
    networkChanges: (signal) => watchNetworkChanges({ clock: systemClock, reader }, signal),
  });
  for (
    const change of [
      () => ip("addr", "add", "10.9.8.7/24", "dev", "lan0"),
      async () => {
        await ip("link", "set", "lan0", "up");
        await ip("link", "set", "peer0", "up");
        await ip("route", "add", "default", "via", "10.9.8.1");
      },
    ]
  ) {
    const connected = device.untilRun(device.runs.length + 1);
    await systemClock.sleep(1_200);
    await router.accept();
    const startedMs = performance.now();
    await change();
    await connected;
    assert.ok(performance.now() - startedMs < 3_000);
    router.refuse();
    await router.dropAll();
  }
  await device.link.stop();
});
