// box
/** The link against a real router: what it survives, what ends it, and what the router sees. */

import assert from "node:assert/strict";
import type { Session } from "../../lib/wamp/session.ts";
import { Crossbar } from "../../scripts/testbed/crossbar.ts";
import { Relay } from "../../scripts/testbed/relay.ts";
import { openSession } from "../lib/wamp/open_session.ts";
import { markerProcedure, startLink, type TestLinkOptions } from "../lib/wamp/start_link.ts";

const users = [
  { authid: "12-345", secret: "s", role: "device" as const },
  {
    authid: "salted",
    secret: "test-secret",
    role: "device" as const,
    salt: { salt: "salt123", iterations: 1000, keylen: 32 },
  },
  { authid: "system", secret: "s", role: "system" as const },
];

const testamentTopic = "reswarm.api.testament_device";

/** The URL of a relay in front of the router. */
function through(relay: Relay): string {
  return `ws://127.0.0.1:${relay.port}/ws`;
}

/** Opens a session that observes the device. */
async function openSystem(crossbar: Crossbar): Promise<Session & AsyncDisposable> {
  const session = await openSession(crossbar.url, { authid: "system" });
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.close() });
}

async function greet(session: Session): Promise<unknown> {
  return (await session.call(markerProcedure)).args[0];
}

/** Pings that are frequent enough for a test. */
const alert: TestLinkOptions = { timeouts: { pingMs: 200, askMs: 1_000 } };

const cases: Record<string, (crossbar: Crossbar) => Promise<void>> = {
  "the link connects, answers on its marker and leaves": async (crossbar) => {
    await using system = await openSystem(crossbar);
    const device = startLink(crossbar.url);
    await device.untilRun(1);
    assert.equal(await greet(system), "Hello :-)");
    await device.link.stop();
    await assert.rejects(system.call(markerProcedure), { uri: "wamp.error.no_such_procedure" });
  },

  "a wrong secret ends the link": async (crossbar) => {
    const device = startLink(crossbar.url, { identity: { secret: "wrong" } });
    assert.deepEqual(await device.link.ended, { kind: "authRejected" });
  },

  "a salted secret is answered": async (crossbar) => {
    await using device = startLink(crossbar.url, { identity: { authid: "salted", secret: "test-secret" } });
    await device.untilRun(1);
    assert.equal(device.link.isConnected, true);
  },

  "a second device with the same serial number gives up after eight dials": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using first = startLink(crossbar.url);
    await first.untilRun(1);
    const second = startLink(crossbar.url);
    assert.deepEqual(await second.link.ended, { kind: "duplicate" });
    assert.deepEqual(second.runs, []);
    assert.equal(first.link.isConnected, true);
    assert.equal(await greet(system), "Hello :-)");
  },

  "a dead session is taken over while the router still keeps it": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using relay = Relay.listen(crossbar.port);
    await using device = startLink(through(relay), alert);
    const { session } = await device.untilRun(1);
    await device.link.register("re.mgmt.SN-1.get_images", () => Promise.resolve({ args: ["old"] }), {
      forceReregister: true,
    });
    relay.freeze();
    await device.untilRun(2);
    assert.equal((await session.closed).kind, "lost");
    const held = (await system.call("wamp.session.list")).args[0];
    assert.ok(Array.isArray(held) && held.includes(session.id), "the router has noticed the loss already");
    await device.link.register("re.mgmt.SN-1.get_images", () => Promise.resolve({ args: ["new"] }), {
      forceReregister: true,
    });
    assert.equal(await greet(system), "Hello :-)");
    assert.deepEqual((await system.call("re.mgmt.SN-1.get_images")).args, ["new"]);
    relay.cut();
  },

  "after a kill the device is back within ten seconds, and can register again": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using device = startLink(crossbar.url);
    const { session } = await device.untilRun(1);
    const startedMs = performance.now();
    await system.call("wamp.session.kill", [session.id], { kwargs: { reason: "wamp.close.normal" } });
    await device.untilRun(2);
    assert.ok(performance.now() - startedMs < 10_000);
    assert.deepEqual(await session.closed, { kind: "goodbye", reason: "wamp.close.normal" });
    assert.equal(await greet(system), "Hello :-)");
  },

  "five kills in a row lead to five new sessions": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using device = startLink(crossbar.url);
    for (let count = 1; count <= 5; count++) {
      const { session } = await device.untilRun(count);
      await system.call("wamp.session.kill", [session.id]);
      await session.closed;
    }
    await device.untilRun(6);
  },

  "the testament is published when the device disappears without a GOODBYE": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using relay = Relay.listen(crossbar.port);
    await using device = startLink(through(relay));
    const { session } = await device.untilRun(1);
    const { promise: published, resolve } = Promise.withResolvers<void>();
    await system.subscribe(testamentTopic, ({ args }) => {
      if (JSON.stringify(args) === `[{"wamp_session_id":${session.id}}]`) resolve();
    });
    relay.cut();
    await published;
    await device.untilRun(2);
  },

  "a canceled call reaches the callee as INTERRUPT, and both sessions stay open": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using device = startLink(crossbar.url);
    await device.untilRun(1);
    const { promise: interrupted, resolve } = Promise.withResolvers<void>();
    const { promise: called, resolve: begin } = Promise.withResolvers<void>();
    await device.link.register("re.mgmt.SN-1.prune_images", async ({ signal, callerAuthid }) => {
      assert.equal(callerAuthid, "system");
      signal.addEventListener("abort", () => resolve());
      begin();
      await interrupted;
      return { args: ["late"] };
    });
    const controller = new AbortController();
    const call = system.call("re.mgmt.SN-1.prune_images", [], { signal: controller.signal });
    await called;
    controller.abort();
    await assert.rejects(call, { code: "canceled" });
    await interrupted;
    assert.equal(await greet(system), "Hello :-)");
    assert.equal(device.link.isConnected, true);
  },

  "the device reconnects after the router was killed and started again": async (crossbar) => {
    await using device = startLink(crossbar.url, { random: () => 0.5 });
    await device.untilRun(1);
    await crossbar.kill();
    await crossbar.start();
    await device.untilRun(2);
    await using system = await openSystem(crossbar);
    assert.equal(await greet(system), "Hello :-)");
  },

  "the device leaves a frozen router and dials until it answers again": async (crossbar) => {
    await using device = startLink(crossbar.url, { ...alert, timeouts: { ...alert.timeouts, connectMs: 1_000 } });
    const { session } = await device.untilRun(1);
    await crossbar.freeze();
    assert.equal((await session.closed).kind, "lost");
    assert.equal(device.link.isConnected, false);
    crossbar.thaw();
    await device.untilRun(2);
  },

  "the device reconnects after the router was restarted": async (crossbar) => {
    await using device = startLink(crossbar.url, { random: () => 0.5 });
    await device.untilRun(1);
    await crossbar.restart();
    await device.untilRun(2);
  },
};

Deno.test("the link on a real router", async (test) => {
  await using crossbar = await Crossbar.start({ users });
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(crossbar));
});
