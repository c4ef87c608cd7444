import assert from "node:assert/strict";
import type { Log } from "../../../lib/base/log.ts";
import { Router } from "../../../scripts/studio/router/router.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRouter, type Peer } from "../../fakes/fake_router.ts";
import { openSession, recordingLog, startRouter } from "./open_session.ts";
import { markerProcedure, startLink } from "./start_link.ts";

/** Records the messages of every level. */
function fullyRecordingLog(): { log: Log; lines: string[] } {
  const lines: string[] = [];
  const keep = (message: string) => void lines.push(message);
  return { lines, log: { trace: keep, debug: keep, info: keep, warn: keep, error: keep, fatal: keep } };
}

Deno.test("a refused signature ends the link after one dial", async () => {
  await using router = await startRouter();
  const { link, runs } = startLink(router.url, { identity: { secret: "wrong" } });
  assert.deepEqual(await link.ended, { kind: "authRejected" });
  assert.deepEqual(runs, []);
  assert.equal(link.isConnected, false);
  await link.stop();
});

Deno.test("a router that does not know the realm is dialled again forever", async () => {
  await using router = await startRouter();
  const clock = new FakeClock();
  const device = startLink(router.url, { identity: { realm: "realm2" }, clock, random: () => 0.999 });
  for (let dial = 0; dial < 3; dial++) {
    await clock.untilSleeping();
    await clock.advance(clock.nextInMs ?? 0);
  }
  await clock.untilSleeping();
  router.addRealm("realm2");
  await clock.advance(clock.nextInMs ?? 0);
  await device.untilRun(1);
  await device.link.stop();
});

Deno.test("a second client that answers ends the link after eight dials, one second apart, and stays connected", async () => {
  await using router = await startRouter();
  await using holder = startLink(router.url);
  await holder.untilRun(1);
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const { link, runs } = startLink(router.url, { clock, log });
  for (let dial = 1; dial < 8; dial++) {
    while (clock.nextInMs !== 1_000) await clock.untilSleeping().then(() => clock.advance(0));
    await clock.advance(1_000);
  }
  assert.deepEqual(await link.ended, { kind: "duplicate" });
  assert.equal(clock.now(), 7_000);
  assert.deepEqual(runs, []);
  assert.equal(lines.filter((line) => line === "Another client is connected under this identity").length, 8);
  assert.equal(holder.link.isConnected, true);
  assert.equal(router.sessions.length, 1);
  assert.deepEqual((await holder.link.call(markerProcedure)).args, ["Hello :-)"]);
  await link.stop();
});

Deno.test("a second client that leaves in time is forgotten", async () => {
  await using router = await startRouter();
  const holder = startLink(router.url);
  await holder.untilRun(1);
  const clock = new FakeClock();
  const device = startLink(router.url, { clock });
  await clock.untilSleeping();
  await holder.link.stop();
  await clock.advance(1_000);
  await device.untilRun(1);
  await device.link.stop();
});

Deno.test("the marker of our own session that the router still keeps is taken over", async () => {
  await using router = await startRouter();
  const { log, lines } = fullyRecordingLog();
  const device = startLink(router.url, { log });
  await device.untilRun(1);
  const oldId = device.link.sessionId;
  assert.equal(router.strandSession(oldId), true);
  await device.untilRun(2);
  assert.ok(lines.includes("A dead session holds the connection marker; taking it over"));
  const caller = await openSession(router.url, { authid: "system" });
  assert.deepEqual((await caller.call(markerProcedure)).args, ["Hello :-)"]);
  router.endStrandedSession(oldId);
  assert.deepEqual((await caller.call(markerProcedure)).args, ["Hello :-)"]);
  await caller.close();
  await device.link.stop();
});

Deno.test("a refused marker is logged and the connection kept", async () => {
  const users = { "12-345": { secret: "s" } };
  await using router = await Router.listen({
    hostname: "127.0.0.1",
    port: 0,
    realm: "realm1",
    users,
    authorise: ({ action }) => action !== "register",
  });
  const { log, lines } = recordingLog();
  await using device = startLink(router.url, { log });
  await device.untilRun(1);
  assert.deepEqual(lines, ["The router refused the connection marker; continuing without it"]);
});

Deno.test("a refused testament ends the link on the first connection only", async () => {
  const users = { "12-345": { secret: "s" } };
  let isAllowed = false;
  await using router = await Router.listen({
    hostname: "127.0.0.1",
    port: 0,
    realm: "realm1",
    users,
    authorise: ({ action }) => action !== "call" || isAllowed,
  });
  const first = startLink(router.url);
  assert.deepEqual(await first.link.ended, { kind: "testamentRefused" });
  assert.deepEqual(first.runs, []);
  assert.equal(router.sessions.length, 0);
  isAllowed = true;
  const { log, lines } = recordingLog();
  await using second = startLink(router.url, { log });
  await second.untilRun(1);
  isAllowed = false;
  router.dropSession(second.link.sessionId);
  await second.untilRun(2);
  assert.deepEqual(lines, ["The router did not accept the testament; continuing without it"]);
});

/** Welcomes a dial and confirms the marker; returns the request id of the testament call. */
async function reachTestament(peer: Peer): Promise<number> {
  await peer.welcome();
  peer.send([65, await peer.expect(64), 9]);
  return await peer.expect(48);
}

Deno.test("a router without testaments is used without one", async () => {
  await using router = await FakeRouter.listen();
  const { log, lines } = recordingLog();
  const device = startLink(router.url, { log });
  const peer = await router.accept();
  peer.send([8, 48, await reachTestament(peer), {}, "wamp.error.no_such_procedure"]);
  await device.untilRun(1);
  assert.deepEqual(lines, ["The router did not accept the testament; continuing without it"]);
  peer.terminate();
  await device.link.stop();
});

Deno.test("the first requests of a connection are the marker without force and the testament", async () => {
  await using router = await FakeRouter.listen();
  const device = startLink(router.url);
  const peer = await router.accept();
  await peer.welcome({ id: 123 });
  assert.deepEqual(await peer.read(), [64, 1, {}, markerProcedure]);
  peer.send([65, 1, 9]);
  assert.deepEqual(await peer.read(), [
    48,
    2,
    {},
    "wamp.session.add_testament",
    ["reswarm.api.testament_device", [{ wamp_session_id: 123 }], {}],
  ]);
  peer.send([50, 2, {}]);
  await device.untilRun(1);
  peer.terminate();
  await device.link.stop();
});

Deno.test("a connection that is lost during the testament is dialled again", async () => {
  await using router = await FakeRouter.listen();
  const device = startLink(router.url);
  const first = await router.accept();
  await reachTestament(first);
  first.terminate();
  const second = await router.accept();
  second.send([50, await reachTestament(second), {}]);
  await device.untilRun(1);
  second.terminate();
  await device.link.stop();
});

Deno.test("ABORT in an open session is followed by an immediate dial", async () => {
  await using router = await FakeRouter.listen();
  const device = startLink(router.url);
  const first = await router.accept();
  first.send([50, await reachTestament(first), {}]);
  const { session } = await device.untilRun(1);
  first.send([3, {}, "wamp.close.system_shutdown"]);
  assert.deepEqual(await session.closed, { kind: "aborted", reason: "wamp.close.system_shutdown" });
  await first.closed;
  const second = await router.accept();
  second.send([50, await reachTestament(second), {}]);
  await device.untilRun(2);
  second.terminate();
  await device.link.stop();
});

Deno.test("a dial that throws before it connects is a failed dial", async () => {
  await using router = await startRouter();
  const clock = new FakeClock();
  const { log, lines } = recordingLog();
  const identity = { clientCertificate: { certificate: "nonsense", key: "nonsense" }, url: "wss://127.0.0.1:1/ws" };
  const device = startLink(router.url, { clock, log, identity, random: () => 0.999 });
  await clock.untilSleeping();
  assert.deepEqual(lines, ["Cannot connect"]);
  Object.assign(identity, { clientCertificate: undefined, url: router.url });
  await clock.advance(clock.nextInMs ?? 0);
  await device.untilRun(1);
  await device.link.stop();
});
