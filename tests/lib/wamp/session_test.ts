import assert from "node:assert/strict";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRouter } from "../../fakes/fake_router.ts";
import { openSession, openWithPeer, startRouter } from "./open_session.ts";

Deno.test("GOODBYE of the router is answered, the socket closed, and pending calls are rejected", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const call = assert.rejects(session.call("x.a"), { code: "not_connected" });
  await peer.read();
  peer.send([6, {}, "wamp.close.normal"]);
  await call;
  assert.equal(session.isOpen, false);
  assert.deepEqual(await peer.read(), [6, {}, "wamp.close.goodbye_and_out"]);
  assert.deepEqual(await peer.closed, { code: 1000, reason: "goodbye" });
  assert.deepEqual(await session.closed, { kind: "goodbye", reason: "wamp.close.normal" });
});

Deno.test("ABORT in an open session closes the socket without an answer", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  peer.send([3, { message: "shutting down" }, "wamp.close.system_shutdown"]);
  assert.equal((await peer.closed).code, 1000);
  assert.deepEqual(await session.closed, { kind: "aborted", reason: "shutting down" });
});

Deno.test("close() sends GOODBYE, waits for the answer and closes with 1000 goodbye", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const closing = session.close();
  await assert.rejects(session.call("x.a"), { code: "not_connected" });
  assert.deepEqual(await peer.read(), [6, {}, "wamp.close.close_realm"]);
  peer.send([6, {}, "wamp.close.goodbye_and_out"]);
  await closing;
  assert.deepEqual(await peer.closed, { code: 1000, reason: "goodbye" });
  assert.deepEqual(await session.closed, { kind: "left" });
});

Deno.test("close() does not wait forever for a silent router", async () => {
  const clock = new FakeClock();
  await using opened = await openWithPeer({ clock, responseMs: 1_000 });
  const { session, peer } = opened;
  const closing = session.close();
  await peer.read();
  await clock.advance(2_000);
  await closing;
  assert.deepEqual(await peer.closed, { code: 1000, reason: "goodbye" });
});

Deno.test("a message above 16 MiB is refused and affects no other message", async () => {
  await using router = await startRouter();
  const session = await openSession(router.url);
  await session.register("x.length", ({ args }) => Promise.resolve({ args: [String(args[0]).length] }));
  await session.register("x.big", () => Promise.resolve({ args: ["x".repeat(17_000_000)] }));
  await assert.rejects(session.call("x.length", ["x".repeat(17_000_000)]), {
    code: "bad_request",
    message: /16777216/,
  });
  await assert.rejects(session.call("x.big"), { code: "call_failed", message: /above the limit of 16777216 bytes/ });
  assert.deepEqual((await session.call("x.length", ["x".repeat(1_000_000)])).args, [1_000_000]);
  await session.close();
});

Deno.test("broken UTF-8 and lone surrogates are replaced in both directions", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const call = session.call("x.a", ["a\ud800b"]);
  assert.deepEqual(await peer.read(), [48, 1, {}, "x.a", ["a\ufffdb"]]);
  const bytes = new TextEncoder().encode('[50,1,{},["a?b"]]');
  bytes[bytes.indexOf(63)] = 0xff;
  peer.sendFrame(bytes, { asText: true });
  assert.deepEqual((await call).args, ["a\ufffdb"]);
  assert.equal(session.isOpen, true);
});

Deno.test("trace sees every message in both directions", async () => {
  await using router = await FakeRouter.listen();
  const seen: string[] = [];
  const trace = (direction: "in" | "out", message: unknown[]) => void seen.push(`${direction} ${message[0]}`);
  const joining = openSession(router.url, { trace });
  const peer = await router.accept();
  await peer.welcome();
  const session = await joining;
  await session.publish("x.a", []);
  await peer.read();
  peer.terminate();
  await session.closed;
  assert.deepEqual(seen, ["out 1", "in 2", "out 16"]);
});
