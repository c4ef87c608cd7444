// box
/** The link against the real router: what it survives, what it ends over, and what the router makes of it. */

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

/** A session that watches the device, closed at the end. */
async function openSystem(crossbar: Crossbar): Promise<Session & AsyncDisposable> {
  const session = await openSession(crossbar.url, { authid: "system" });
  return Object.assign(session, { [Symbol.asyncDispose]: () => session.close() });
}

async function greet(session: Session): Promise<unknown> {
  return (await session.call(markerProcedure)).args[0];
}

/** Options with pings quick enough for a test. */
const alert: TestLinkOptions = { timeouts: { pingMs: 200, askMs: 1_000 } };

const cases: Record<string, (crossbar: Crossbar) => Promise<void>> = {
  "the link connects, answers on the marker and leaves": async (crossbar) => {
    await using system = await openSystem(crossbar);
    const device = startLink(crossbar.url);
    await device.untilRun(1);
    assert.equal(await greet(system), "Hello :-)");
    await device.link.stop();
    await assert.rejects(system.call(markerProcedure), { uri: "wamp.error.no_such_procedure" });
  },

  "a wrong secret is final": async (crossbar) => {
    const device = startLink(crossbar.url, { identity: { secret: "wrong" } });
    assert.deepEqual(await device.link.ended, { kind: "authRejected" });
  },

  "a salted secret is answered": async (crossbar) => {
    await using device = startLink(crossbar.url, { identity: { authid: "salted", secret: "test-secret" } });
    await device.untilRun(1);
    assert.equal(device.link.isConnected, true);
  },

  "a living second device is found after eight dials and leaves the first alone": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using first = startLink(crossbar.url);
    await first.untilRun(1);
    const second = startLink(crossbar.url);
    assert.deepEqual(await second.link.ended, { kind: "duplicate" });
    assert.deepEqual(second.runs, []);
    assert.equal(first.link.isConnected, true);
    assert.equal(await greet(system), "Hello :-)");
  },

  "a session whose link went dead is taken over while the router still holds it": async (crossbar) => {
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
    assert.ok(Array.isArray(held) && held.includes(session.id), "the router has not missed the old session");
    await device.link.register("re.mgmt.SN-1.get_images", () => Promise.resolve({ args: ["new"] }), {
      forceReregister: true,
    });
    assert.equal(await greet(system), "Hello :-)");
    assert.deepEqual((await system.call("re.mgmt.SN-1.get_images")).args, ["new"]);
    relay.cut();
  },

  "a killed session is back within ten seconds, with its registrations free": async (crossbar) => {
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

  "five kills in a row, five new sessions": async (crossbar) => {
    await using system = await openSystem(crossbar);
    await using device = startLink(crossbar.url);
    for (let round = 1; round <= 5; round++) {
      const { session } = await device.untilRun(round);
      await system.call("wamp.session.kill", [session.id]);
      await session.closed;
    }
    await device.untilRun(6);
  },

  "the testament is published when the device goes without a farewell": async (crossbar) => {
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

  "a canceled call reaches the callee as INTERRUPT and leaves both sessions up": async (crossbar) => {
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

  "a router that is killed and started again has the device back": async (crossbar) => {
    await using device = startLink(crossbar.url, { random: () => 0.5 });
    await device.untilRun(1);
    await crossbar.kill();
    await crossbar.start();
    await device.untilRun(2);
    await using system = await openSystem(crossbar);
    assert.equal(await greet(system), "Hello :-)");
  },

  "a router that stands still is left and dialled until it goes on": async (crossbar) => {
    await using device = startLink(crossbar.url, { ...alert, timeouts: { ...alert.timeouts, connectMs: 1_000 } });
    const { session } = await device.untilRun(1);
    await crossbar.freeze();
    assert.equal((await session.closed).kind, "lost");
    assert.equal(device.link.isConnected, false);
    crossbar.thaw();
    await device.untilRun(2);
  },

  "a router that stops in order has the device back": async (crossbar) => {
    await using device = startLink(crossbar.url, { random: () => 0.5 });
    await device.untilRun(1);
    await crossbar.restart();
    await device.untilRun(2);
  },
};

Deno.test("the link and the real router", async (test) => {
  await using crossbar = await Crossbar.start({ users });
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(crossbar));
});
