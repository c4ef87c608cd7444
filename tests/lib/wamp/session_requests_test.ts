import assert from "node:assert/strict";
import type { Invocation } from "../../../lib/wamp/invocations.ts";
import { openSession, openWithPeer, recordingLog, startRouter } from "./open_session.ts";

Deno.test("call() keeps arguments and results as they are", async () => {
  await using router = await startRouter();
  const session = await openSession(router.url);
  await session.register("x.echo", ({ args, kwargs }) => Promise.resolve({ args, kwargs }));
  const cases: { args: unknown[]; kwargs?: Record<string, unknown> }[] = [
    { args: [] },
    { args: [null] },
    { args: [[1, 2]] },
    { args: [1, 2] },
    { args: [], kwargs: { a: { b: [] } } },
    { args: ["ü", 1.5, true, { deep: [null] }], kwargs: { a: 1, b: null } },
  ];
  for (const { args, kwargs } of cases) {
    assert.deepEqual(await session.call("x.echo", args, { kwargs }), { args, kwargs: kwargs ?? {} });
  }
  await session.close();
});

Deno.test("messages without a payload omit it on the wire", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const call = session.call("x.a");
  assert.deepEqual(await peer.read(), [48, 1, {}, "x.a"]);
  peer.send([50, 1, {}]);
  assert.deepEqual(await call, { args: [], kwargs: {} });
  await session.publish("x.b", []);
  assert.deepEqual(await peer.read(), [16, 2, {}, "x.b"]);
  await session.publish("x.b", [], { kwargs: { a: 1 } });
  assert.deepEqual(await peer.read(), [16, 3, {}, "x.b", [], { a: 1 }]);
  const registering = session.register("x.c", () => Promise.resolve({}), { forceReregister: true });
  assert.deepEqual(await peer.read(), [64, 4, { force_reregister: true }, "x.c"]);
  peer.send([65, 4, 9], [68, 1, 9, {}, null, null]);
  await registering;
  assert.deepEqual(await peer.read(), [70, 1, {}]);
  const marker = session.register("x.d", () => Promise.resolve({ kwargs: { id: "SN" } }));
  assert.deepEqual(await peer.read(), [64, 5, {}, "x.d"]);
  peer.send([65, 5, 10], [68, 2, 10, {}]);
  await marker;
  assert.deepEqual(await peer.read(), [70, 2, {}, [], { id: "SN" }]);
});

Deno.test("a failed call names procedure, error, arguments and keywords", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const call = session.call("x.a");
  await peer.read();
  peer.send([8, 48, 1, {}, "app.error", ["no luck", 5], { reason: "full", count: 2 }]);
  await assert.rejects(call, {
    code: "call_failed",
    uri: "app.error",
    message: "calling remote procedure 'x.a': app.error: no luck 5: reason=full count=2",
  });
});

Deno.test("an invocation has its caller, or undefined when the router does not disclose it", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const seen: Pick<Invocation, "procedure" | "callerAuthid" | "args" | "kwargs">[] = [];
  const registering = session.register("x.a", ({ procedure, callerAuthid, args, kwargs }) => {
    seen.push({ procedure, callerAuthid, args, kwargs });
    return Promise.resolve({});
  });
  await peer.read();
  peer.send(
    [65, 1, 9],
    [68, 1, 9, { caller_authid: "system" }, [1]],
    [68, 2, 9, { caller_authid: 77 }, [], { a: 1 }],
    [68, 3, 9, {}],
    [68, 4, 9, { caller_authid: null }],
  );
  await registering;
  for (let count = 0; count < 4; count++) await peer.read();
  assert.deepEqual(seen, [
    { procedure: "x.a", callerAuthid: "system", args: [1], kwargs: {} },
    { procedure: "x.a", callerAuthid: "77", args: [], kwargs: { a: 1 } },
    { procedure: "x.a", callerAuthid: undefined, args: [], kwargs: {} },
    { procedure: "x.a", callerAuthid: undefined, args: [], kwargs: {} },
  ]);
});

Deno.test("invocations run concurrently, and one that exceeds its time limit is answered as canceled", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const registering = session.register("x.a", async ({ args, signal }) => {
    if (args[0] === "quick") return { args: ["done"] };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    return {};
  });
  await peer.read();
  peer.send([65, 1, 9], [68, 1, 9, { timeout: 30 }, ["slow"]], [68, 2, 9, {}, ["quick"]]);
  await registering;
  assert.deepEqual(await peer.read(), [70, 2, {}, ["done"]]);
  assert.deepEqual(await peer.read(), [8, 68, 1, {}, "wamp.error.canceled"]);
});

Deno.test("events reach their handlers in order, even one right behind SUBSCRIBED", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  const seen: unknown[] = [];
  const subscribing = session.subscribe("x.topic", ({ topic, args, kwargs }) => void seen.push([topic, args, kwargs]));
  await peer.read();
  peer.send([33, 1, 8], [36, 8, 1, {}, ["first"]], [36, 8, 2, { topic: "x.topic.sub" }, null, { a: 1 }]);
  const subscription = await subscribing;
  const unsubscribing = subscription.unsubscribe();
  assert.deepEqual(await peer.read(), [34, 2, 8]);
  peer.send([35, 2], [36, 8, 3, {}, ["too late"]]);
  await unsubscribing;
  await subscription.unsubscribe();
  assert.deepEqual(seen, [["x.topic", ["first"], {}], ["x.topic.sub", [], { a: 1 }]]);
  assert.equal(session.isOpen, true);
});

Deno.test("the error of an asynchronous event handler is logged", async () => {
  const { log, lines } = recordingLog();
  await using opened = await openWithPeer({ log });
  const { session, peer } = opened;
  const subscribing = session.subscribe("x.topic", async () => {
    await Promise.resolve();
    throw new Error("later");
  });
  await peer.read();
  peer.send([33, 1, 8], [36, 8, 1, {}]);
  await subscribing;
  const call = session.call("x.a");
  peer.send([50, await peer.expect(48), {}]);
  await call;
  assert.deepEqual(lines, ["An event handler failed"]);
});

Deno.test("a registration that arrives after the deadline is ended", async () => {
  await using opened = await openWithPeer({ responseMs: 20 });
  const { session, peer } = opened;
  await assert.rejects(session.register("x.a", () => Promise.resolve({})), { code: "timeout" });
  const request = await peer.expect(64);
  peer.send([65, request, 9]);
  const [type, , registration] = await peer.read();
  assert.deepEqual([type, registration], [66, 9]);
});

Deno.test("unregister() does nothing when another session has taken over the procedure", async () => {
  await using router = await startRouter();
  const first = await openSession(router.url);
  const second = await openSession(router.url);
  const registration = await first.register("x.a", () => Promise.resolve({ args: ["first"] }));
  await second.register("x.a", () => Promise.resolve({ args: ["second"] }), { forceReregister: true });
  assert.deepEqual((await first.call("x.a")).args, ["second"]);
  await registration.unregister();
  assert.deepEqual((await first.call("x.a")).args, ["second"]);
  await Promise.all([first.close(), second.close()]);
});

Deno.test("a call that is canceled before it begins sends nothing", async () => {
  await using opened = await openWithPeer();
  const { session, peer } = opened;
  await assert.rejects(session.call("x.a", [], { signal: AbortSignal.abort() }), { code: "canceled" });
  await session.publish("x.b", []);
  assert.equal((await peer.read())[3], "x.b");
});
