import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { sendBacklogLimitBytes } from "../../../lib/wamp/transport.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRouter, type Peer } from "../../fakes/fake_router.ts";
import { openTransport, recordingLog, startRouter } from "./open_session.ts";

async function openBoth(
  router: FakeRouter,
  options: Parameters<typeof openTransport>[1] = {},
): Promise<{ transport: Awaited<ReturnType<typeof openTransport>>; peer: Peer }> {
  const [transport, peer] = await Promise.all([openTransport(router.url, options), router.accept()]);
  return { transport, peer };
}

/** Waits until something that is on its way has arrived. */
async function heard(transport: { lastHeardMs: number }, ms: number, what: string): Promise<void> {
  for (let turn = 0; turn < 2_000 && transport.lastHeardMs < ms; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(transport.lastHeardMs, ms, what);
}

Deno.test("open() reports the address when nobody listens there", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(openTransport(`ws://127.0.0.1:${port}/ws`), {
    code: "connect_failed",
    message: /Cannot connect to 127\.0\.0\.1:\d+: .*ECONNREFUSED/,
  });
});

for (const url of ["", "nonsense", "ftp://127.0.0.1/", "ws://127.0.0.1:1/#part", "ws://", "mailto:x"]) {
  Deno.test(`open() refuses "${url}"`, async () => {
    await assert.rejects(openTransport(url), { code: "connect_failed" });
  });
}

Deno.test("open() accepts http for ws", async () => {
  await using router = await FakeRouter.listen();
  const [transport, peer] = await Promise.all([
    openTransport(router.url.replace("ws:", "http:")),
    router.accept(),
  ]);
  await transport.close(1000, "goodbye");
  assert.deepEqual(await peer.closed, { code: 1000, reason: "goodbye" });
});

Deno.test("open() reports the status of a server that does not upgrade", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    () => new Response("no", { status: 403 }),
  );
  await assert.rejects(openTransport(`ws://127.0.0.1:${server.addr.port}/ws`), {
    code: "connect_failed",
    message: /Unexpected server response: 403/,
  });
  await server.shutdown();
});

Deno.test("a pong resets the count, so a peer that answers stays connected", async () => {
  await using router = await FakeRouter.listen();
  const clock = new FakeClock();
  const { transport, peer } = await openBoth(router, { clock, pingMs: 5_000 });
  for (let round = 1; round <= 6; round++) {
    const { promise: behindPong, resolve } = Promise.withResolvers<void>();
    transport.setReceiver({ onMessage: () => resolve(), onBadFrame: () => {} });
    await clock.advance(5_000);
    await peer.untilPinged(round);
    peer.send([0]);
    await behindPong;
  }
  assert.equal(transport.isOpen, true);
  transport.terminate();
});

Deno.test("no pings are sent when the interval is 0", async () => {
  await using router = await FakeRouter.listen();
  const clock = new FakeClock();
  const { transport } = await openBoth(router, { clock, pingMs: 0 });
  assert.equal(clock.sleeping, 0);
  transport.terminate();
});

Deno.test("closed resolves once, with code and reason", async () => {
  await using router = await FakeRouter.listen();
  const { transport, peer } = await openBoth(router);
  peer.close(4000, "maintenance");
  assert.deepEqual(await transport.closed, { code: 4000, reason: "maintenance" });
  transport.terminate("later");
  assert.deepEqual(await transport.closed, { code: 4000, reason: "maintenance" });
  assert.throws(() => transport.send([1]), { code: "not_connected" });
  await transport.close(1000, "again");
});

Deno.test("terminate() ends the connection at once and leaves no timer", async () => {
  await using router = await FakeRouter.listen();
  const clock = new FakeClock();
  const { transport, peer } = await openBoth(router, { clock, pingMs: 5_000 });
  transport.terminate("enough");
  assert.equal(transport.isOpen, false);
  assert.deepEqual(await transport.closed, { code: 1006, reason: "enough" });
  assert.equal(clock.sleeping, 0);
  assert.equal((await peer.closed).code, 1006);
});

Deno.test("send() refuses when too much waits already, and reports how much", async () => {
  await using router = await startRouter();
  const transport = await openTransport(router.url);
  router.pause();
  const message = [48, 1, {}, "x", ["x".repeat(4_000_000)]];
  assert.throws(() => {
    for (let count = 0; count < 20; count++) transport.send(message);
  }, { code: "io_failed", message: /^Cannot send message: \d+ bytes wait to be sent already$/ });
  assert.equal(transport.isOpen, true);
  assert.ok(sendBacklogLimitBytes < 20 * 4_000_000);
  transport.terminate();
  router.resume();
});

Deno.test("waitingBytes counts what the peer has not taken, and is 0 once the connection is closed", async () => {
  await using router = await startRouter();
  const transport = await openTransport(router.url);
  assert.equal(transport.waitingBytes, 0);
  router.pause();
  for (let count = 0; count < 2; count++) transport.send([48, 1, {}, "x", ["x".repeat(4_000_000)]]);
  assert.ok(transport.waitingBytes > 1_000_000, `${transport.waitingBytes}`);
  transport.terminate();
  assert.equal(transport.waitingBytes, 0);
  router.resume();
});

Deno.test("lastHeardMs is the time of the last bytes from the router, whatever they are", async () => {
  await using router = await FakeRouter.listen();
  const clock = new FakeClock();
  await clock.advance(100);
  const { transport, peer } = await openBoth(router, { clock, pingMs: 5_000 });
  assert.equal(transport.lastHeardMs, 100, "the answer to the upgrade");
  await clock.advance(1_000);
  assert.equal(transport.lastHeardMs, 100, "time alone is no sign of life");
  await peer.ping();
  assert.equal(transport.lastHeardMs, 1_100, "a ping of the router");
  await clock.advance(1_000);
  await new Promise<void>((resolve) => {
    transport.setReceiver({ onMessage: () => resolve(), onBadFrame: () => {} });
    peer.send([0]);
  });
  assert.equal(transport.lastHeardMs, 2_100, "a message");
  await clock.advance(3_000);
  await heard(transport, 5_100, "the answer to a ping of ours");
  await clock.advance(1_000);
  peer.sendPart("[1,");
  await heard(transport, 6_100, "a part of a message");
  transport.terminate();
  assert.equal(transport.lastHeardMs, 6_100);
});

Deno.test("a receiver that throws ends the connection and not the process", async () => {
  await using router = await FakeRouter.listen();
  const { log, lines } = recordingLog();
  const { transport, peer } = await openBoth(router, { log });
  transport.setReceiver({
    onMessage: () => {
      throw new Error("bug");
    },
    onBadFrame: () => {},
  });
  peer.send([1]);
  assert.equal((await transport.closed).reason, "a message could not be processed");
  assert.deepEqual(lines, ["Cannot process a message from the router"]);
});

Deno.test("a frame above the inbound limit closes the connection, not the process", async () => {
  await using router = await FakeRouter.listen();
  const { transport, peer } = await openBoth(router, { log: silentLog });
  peer.sendFrame(`[1,"${"x".repeat(33 * 1024 * 1024)}"]`);
  assert.equal((await transport.closed).code, 1006);
});
