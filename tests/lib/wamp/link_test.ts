import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRouter } from "../../fakes/fake_router.ts";
import { openSession, recordingLog, startRouter } from "./open_session.ts";
import { markerProcedure, startLink } from "./start_link.ts";

Deno.test("a link connects, holds the marker and the testament, and sends GOODBYE when it stops", async () => {
  await using router = await startRouter();
  const watcher = await openSession(router.url, { authid: "system" });
  const testaments: unknown[] = [];
  await watcher.subscribe("reswarm.api.testament_device", ({ args }) => void testaments.push(args[0]));
  const { link, untilRun } = startLink(router.url);
  assert.deepEqual([link.isConnected, link.sessionId], [false, 0]);
  const { isReconnect, session } = await untilRun(1);
  assert.equal(isReconnect, false);
  assert.deepEqual([link.isConnected, link.sessionId], [true, session.id]);
  assert.deepEqual((await watcher.call(markerProcedure)).args, ["Hello :-)"]);
  const lastId = link.sessionId;
  await link.stop();
  assert.deepEqual(await link.ended, { kind: "stopped" });
  assert.deepEqual([link.isConnected, link.sessionId], [false, 0]);
  assert.deepEqual(testaments, [{ wamp_session_id: lastId }]);
  assert.equal(router.sessions.length, 1);
  await watcher.close();
});

Deno.test("a link forwards calls, events and registrations to the open session", async () => {
  await using router = await startRouter();
  await using device = startLink(router.url);
  await assert.rejects(device.link.call("x.a"), { code: "not_connected", message: "not connected" });
  await assert.rejects(device.link.publish("x.a", []), { code: "not_connected" });
  await device.untilRun(1);
  await device.link.register("x.a", ({ args }) => Promise.resolve({ args }), { forceReregister: true });
  assert.deepEqual((await device.link.call("x.a", [1])).args, [1]);
  await device.link.subscribe("x.topic", () => {});
  await device.link.publish("x.topic", [1], { acknowledge: true });
});

Deno.test("lastTrafficAt() is the time of the last bytes, also while there is no session", async () => {
  await using router = await FakeRouter.listen();
  const clock = new FakeClock();
  await using device = startLink(router.url, { clock });
  assert.equal(device.link.lastTrafficAt(), undefined);
  const peer = await router.accept();
  await peer.welcome();
  peer.send([65, await peer.expect(64), 7]);
  peer.send([50, await peer.expect(48), {}]);
  const { session } = await device.untilRun(1);
  assert.equal(device.link.lastTrafficAt(), 0);
  await clock.advance(1_000);
  await peer.ping();
  assert.equal(device.link.lastTrafficAt(), 1_000);
  await clock.advance(1_000);
  peer.terminate();
  await session.closed;
  assert.equal(device.link.isConnected, false);
  await clock.advance(1_000);
  assert.equal(device.link.lastTrafficAt(), 1_000);
});

Deno.test("waitingBytes() counts what waits to be sent", async () => {
  await using router = await startRouter();
  await using device = startLink(router.url);
  assert.equal(device.link.waitingBytes(), 0);
  const { session } = await device.untilRun(1);
  router.pause();
  const sent = device.link.publish("x.topic", ["x".repeat(8_000_000)], { acknowledge: true });
  assert.ok(device.link.waitingBytes() > 1_000_000, `${device.link.waitingBytes()}`);
  router.resume();
  await sent;
  assert.equal(device.link.waitingBytes(), 0);
  await session.close();
  assert.equal(device.link.waitingBytes(), 0);
});

Deno.test("after each of five drops the link is back at once, and every run knows that it is a reconnect", async () => {
  await using router = await startRouter();
  await using device = startLink(router.url);
  for (let round = 1; round <= 5; round++) {
    await device.untilRun(round);
    assert.equal(router.dropSession(device.link.sessionId), true);
  }
  await device.untilRun(6);
  assert.deepEqual(device.runs.map((run) => run.isReconnect), [false, true, true, true, true, true]);
});

Deno.test("GOODBYE of the router is answered, and the link is back at once", async () => {
  await using router = await startRouter();
  await using device = startLink(router.url);
  const first = await device.untilRun(1);
  assert.equal(router.goodbye(device.link.sessionId, { reason: "wamp.close.normal" }), true);
  await device.untilRun(2);
  assert.deepEqual(await first.session.closed, { kind: "goodbye", reason: "wamp.close.normal" });
  assert.equal(router.sessions.length, 1);
});

Deno.test("reconnect() leaves the session and dials with the identity of that moment", async () => {
  await using router = await startRouter();
  router.addUser("13-345", { secret: "other" });
  const identity = { authid: "12-345", secret: "s" };
  await using device = startLink(router.url, { identity });
  const first = await device.untilRun(1);
  Object.assign(identity, { authid: "13-345", secret: "other" });
  device.link.reconnect("The project has changed");
  await device.untilRun(2);
  assert.deepEqual(await first.session.closed, { kind: "left" });
  assert.deepEqual(router.sessions.map((session) => session.authid), ["13-345"]);
});

Deno.test("a newer session ends the run of the older one and waits for it", async () => {
  await using router = await startRouter();
  const order: string[] = [];
  let count = 0;
  await using device = startLink(router.url, {
    work: async ({ signal }) => {
      const run = ++count;
      order.push(`begin ${run}`);
      if (run > 1) return;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await Promise.resolve();
      order.push(`end ${run}`);
    },
  });
  await device.untilRun(1);
  router.dropSession(device.link.sessionId);
  await device.untilRun(2);
  assert.deepEqual(order, ["begin 1", "end 1", "begin 2"]);
});

Deno.test("a run that ignores its signal delays the next one by five seconds at most", async () => {
  await using router = await startRouter();
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const { promise: stuck, resolve: release } = Promise.withResolvers<void>();
  const device = startLink(router.url, {
    clock,
    log,
    work: () => device.runs.length === 1 ? stuck : Promise.resolve(),
  });
  await device.untilRun(1);
  router.dropSession(device.link.sessionId);
  await clock.untilSleeping();
  await clock.advance(4_999);
  assert.equal(device.runs.length, 1);
  await clock.advance(1);
  await device.untilRun(2);
  assert.deepEqual(lines, ["The work of an older session does not end; the next one starts anyway"]);
  release();
  await device.link.stop();
});

Deno.test("a run that throws is logged and ends nothing", async () => {
  await using router = await startRouter();
  const { log, lines } = recordingLog();
  await using device = startLink(router.url, { log, work: () => Promise.reject(new Error("boot failed")) });
  await device.untilRun(1);
  assert.deepEqual((await device.link.call("wamp.session.count")).args.length, 1);
  assert.deepEqual(lines, ["The work of a session failed"]);
});

Deno.test("waits between dials grow with full jitter: to a steady 4 s in the first two minutes, up to 30 s later", async () => {
  await using router = await startRouter();
  router.refuse();
  const clock = new FakeClock();
  const device = startLink(router.url, { clock, random: () => 0.999 });
  const waits: number[] = [];
  while (clock.now() < 120_000) {
    await clock.untilSleeping();
    waits.push(clock.nextInMs ?? -1);
    await clock.advance(clock.nextInMs ?? 0);
  }
  assert.deepEqual(waits.slice(0, 6), [500, 999, 1_998, 3_996, 4_000, 4_000]);
  assert.equal(Math.max(...waits), 4_000);
  await clock.untilSleeping();
  assert.equal(clock.nextInMs, 29_970);
  await router.accept();
  await clock.advance(29_970);
  await device.untilRun(1);
  router.dropSession(device.link.sessionId);
  await device.untilRun(2);
  await device.link.stop();
});

Deno.test("a session that does not last delays the next dial; one that lasted does not", async () => {
  await using router = await startRouter();
  const clock = new FakeClock();
  const device = startLink(router.url, { clock, random: () => 0.999 });
  const waits: (number | undefined)[] = [];
  for (let round = 1; round <= 4; round++) {
    await device.untilRun(round);
    router.dropSession(device.link.sessionId);
    if (round === 1) continue;
    await clock.untilSleeping();
    waits.push(clock.nextInMs);
    await clock.advance(clock.nextInMs ?? 0);
  }
  assert.deepEqual(waits, [500, 999, 1_998]);
  await device.untilRun(5);
  await clock.advance(5_000);
  router.dropSession(device.link.sessionId);
  await device.untilRun(6);
  await device.link.stop();
});

Deno.test("a change of the network dials at once, and the network is watched only while there is no session", async () => {
  await using router = await startRouter();
  router.refuse();
  const clock = new FakeClock();
  const { promise: changed, resolve: change } = Promise.withResolvers<void>();
  let watchers = 0;
  async function* networkChanges(signal: AbortSignal): AsyncIterable<void> {
    watchers += 1;
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => end(), { once: true });
    try {
      await Promise.race([changed, ended]);
      if (!signal.aborted) yield;
      await ended;
    } finally {
      watchers -= 1;
    }
  }
  const device = startLink(router.url, { clock, random: () => 0.999, networkChanges });
  await clock.untilSleeping();
  assert.equal(watchers, 1);
  await router.accept();
  change();
  await device.untilRun(1);
  assert.equal(clock.now(), 0, "no time has passed");
  assert.equal(watchers, 0);
  await device.link.stop();
});

Deno.test("a network watch that fails is logged and ends nothing", async () => {
  await using router = await startRouter();
  const { log, lines } = recordingLog();
  // deno-lint-ignore require-yield
  const networkChanges = async function* (): AsyncIterable<void> {
    await Promise.resolve();
    throw new Error("no such file");
  };
  await using device = startLink(router.url, { log, networkChanges });
  await device.untilRun(1);
  assert.deepEqual(lines, ["Cannot watch the network for changes"]);
});

/** Routers that answer only a given number of steps. */
const phases: { name: string; steps: number }[] = [
  { name: "HELLO is not answered", steps: 0 },
  { name: "REGISTER of the marker is not answered", steps: 1 },
  { name: "the testament is not answered", steps: 2 },
];

for (const { name, steps } of phases) {
  Deno.test(`stop() ends a dial within two seconds while ${name}`, async () => {
    await using router = await FakeRouter.listen();
    const device = startLink(router.url);
    const peer = await router.accept();
    if (steps > 0) await peer.welcome();
    if (steps > 1) peer.send([65, await peer.expect(64), 9]);
    await peer.read();
    const startedMs = performance.now();
    await device.link.stop();
    assert.ok(performance.now() - startedMs < 2_000);
    assert.deepEqual(await device.link.ended, { kind: "stopped" });
    await peer.closed;
    assert.equal(device.runs.length, 0);
  });
}

Deno.test("stop() ends a dial that connects, a wait before a dial, and a link that never began", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const connecting = startLink(`ws://127.0.0.1:${listener.addr.port}/ws`);
  (await accepted).close();
  await connecting.link.stop();
  await using router = await startRouter();
  router.refuse();
  const clock = new FakeClock();
  const waiting = startLink(router.url, { clock, random: () => 0.999 });
  await clock.untilSleeping();
  await Promise.all([waiting.link.stop(), waiting.link.stop()]);
  assert.equal(clock.sleeping, 0);
  waiting.link.start();
  assert.deepEqual(await waiting.link.ended, { kind: "stopped" });
});

Deno.test("a dial that timed out counts as the wait before the next one", async () => {
  await using router = await startRouter();
  router.pause();
  const waits: number[] = [];
  const sleep = (ms: number, signal?: AbortSignal) => {
    waits.push(ms);
    return systemClock.sleep(ms, signal);
  };
  const { promise: failedTwice, resolve } = Promise.withResolvers<void>();
  let failures = 0;
  const warn = () => {
    failures += 1;
    if (failures === 2) resolve();
  };
  await using device = startLink(router.url, {
    random: () => 0.5,
    clock: { ...systemClock, sleep },
    log: { ...silentLog, warn },
    timeouts: { connectMs: 400 },
  });
  await failedTwice;
  router.resume();
  await device.untilRun(1);
  assert.deepEqual(waits, []);
});
