import assert from "node:assert/strict";
import type { Invocation } from "../../../lib/wamp/invocations.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRouter } from "../../fakes/fake_router.ts";
import { keepingLog, openScripted, openSession, openTransport, startRouter } from "./open_session.ts";

Deno.test("joinSession() sends HELLO with authid, method and only the roles that we play, and no extra headers", async () => {
  await using router = await FakeRouter.listen();
  const joining = openSession(router.url);
  const peer = await router.accept();
  const [type, realm, details] = await peer.welcome();
  const session = await joining;
  assert.deepEqual([type, realm], [1, "realm1"]);
  assert.deepEqual(details, {
    authid: "12-345",
    authmethods: ["wampcra"],
    roles: {
      publisher: { features: { publisher_identification: true } },
      subscriber: { features: { publisher_identification: true } },
      callee: { features: { caller_identification: true, call_canceling: true, call_timeout: true } },
      caller: { features: { caller_identification: true, call_canceling: true } },
    },
  });
  assert.deepEqual(Object.keys(peer.headers).sort(), [
    "connection",
    "host",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "upgrade",
  ]);
  assert.equal(peer.headers["sec-websocket-protocol"], "wamp.2.json");
  assert.equal(session.id, 77);
  peer.cut();
  await session.closed;
});

Deno.test("joinSession() answers a challenge with the signature of the test vector", async () => {
  await using router = await FakeRouter.listen();
  const joining = openSession(router.url, { secret: "test-secret" });
  const peer = await router.accept();
  await peer.read();
  peer.send([4, "wampcra", { challenge: '{"nonce":"n1","session":123}' }]);
  assert.deepEqual(await peer.read(), [5, "dhJ1G7rv8EQpyGbIEigBTSBI6o6z0+FXy4MnA8AYXCM=", {}]);
  peer.send([2, 123, { roles: { broker: {}, dealer: {} } }]);
  const session = await joining;
  assert.equal(session.id, 123);
  peer.cut();
  await session.closed;
});

Deno.test("joinSession() answers a challenge of another method with an empty signature", async () => {
  await using router = await FakeRouter.listen();
  const joining = assert.rejects(openSession(router.url), {
    code: "connect_failed",
    message: "The router refused the session: authentication failed",
  });
  const peer = await router.accept();
  await peer.read();
  peer.send([4, "ticket", {}]);
  assert.deepEqual(await peer.read(), [5, "", {}]);
  peer.send([3, {}, "wamp.error.authentication_failed"]);
  await joining;
});

const refusals: { name: string; answers: unknown[][]; code: string; message: string }[] = [
  {
    name: "a refused signature",
    answers: [
      [4, "wampcra", { challenge: "x" }],
      [3, { message: "WAMP-CRA client signature is invalid" }, "wamp.error.not_authorized"],
    ],
    code: "auth_rejected",
    message: "WAMP-CRA client signature is invalid",
  },
  {
    name: "a refused signature told in answer to HELLO",
    answers: [[3, { message: "WAMP-CRA client signature is invalid" }, "wamp.error.not_authorized"]],
    code: "auth_rejected",
    message: "wamp.error.not_authorized WAMP-CRA client signature is invalid",
  },
  {
    name: "an unknown realm",
    answers: [[3, { message: "no realm" }, "wamp.error.no_such_realm"]],
    code: "connect_failed",
    message: "The router refused the session: wamp.error.no_such_realm no realm",
  },
  {
    name: "a WELCOME without roles",
    answers: [[2, 5, { roles: {} }]],
    code: "protocol_error",
    message: "router did not announce any supported roles",
  },
  { name: "nonsense", answers: [["x"]], code: "protocol_error", message: "frame is not a WAMP message" },
  {
    name: "a challenge without text",
    answers: [[4, "wampcra", {}]],
    code: "bad_request",
    message: "Cannot read challenge: challenge must be text, got undefined",
  },
];

for (const { name, answers, code, message } of refusals) {
  Deno.test(`joinSession() names ${name}`, async () => {
    await using router = await FakeRouter.listen();
    const joining = assert.rejects(openSession(router.url), { code, message });
    const peer = await router.accept();
    for (const answer of answers) {
      await peer.read();
      peer.send(answer);
    }
    await joining;
    await peer.closed;
  });
}

Deno.test("joinSession() waits for HELLO's answer no longer than the response deadline", async () => {
  await using router = await FakeRouter.listen();
  const joining = assert.rejects(openSession(router.url, { responseMs: 20 }), {
    code: "timeout",
    message: "The router did not answer HELLO in 20 ms",
  });
  const peer = await router.accept();
  await joining;
  await peer.closed;
});

Deno.test("joinSession() waits for AUTHENTICATE's answer no longer than the response deadline", async () => {
  await using router = await FakeRouter.listen();
  const joining = assert.rejects(openSession(router.url, { responseMs: 50 }), {
    code: "timeout",
    message: "The router did not answer AUTHENTICATE in 50 ms",
  });
  const peer = await router.accept();
  await peer.read();
  peer.send([4, "wampcra", { challenge: "x" }]);
  await joining;
});

Deno.test("joinSession() ends with its signal and with the socket", async () => {
  await using router = await FakeRouter.listen();
  const controller = new AbortController();
  const aborted = assert.rejects(openSession(router.url, { signal: controller.signal }), { code: "canceled" });
  await (await router.accept()).read();
  controller.abort();
  await aborted;
  const cut = assert.rejects(openSession(router.url), { code: "connect_failed" });
  const peer = await router.accept();
  await peer.read();
  peer.cut();
  await cut;
});

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

Deno.test("messages without a payload leave it out on the wire", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
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
  await using scripted = await openScripted();
  const { session, peer } = scripted;
  const call = session.call("x.a");
  await peer.read();
  peer.send([8, 48, 1, {}, "app.error", ["no luck", 5], { reason: "full", count: 2 }]);
  await assert.rejects(call, {
    code: "call_failed",
    uri: "app.error",
    message: "calling remote procedure 'x.a': app.error: no luck 5: reason=full count=2",
  });
});

Deno.test("an invocation carries its caller, and a caller that was not disclosed is undefined", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
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

Deno.test("invocations run concurrently, and one whose time limit passes is answered as canceled", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
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

Deno.test("events reach their handlers in order, one right behind SUBSCRIBED included", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
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

Deno.test("a handler that fails later than its turn is logged, too", async () => {
  const { log, lines } = keepingLog();
  await using scripted = await openScripted({ log });
  const { session, peer } = scripted;
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

Deno.test("a registration that comes after the deadline is given back", async () => {
  await using scripted = await openScripted({ responseMs: 20 });
  const { session, peer } = scripted;
  await assert.rejects(session.register("x.a", () => Promise.resolve({})), { code: "timeout" });
  const request = await peer.expect(64);
  peer.send([65, request, 9]);
  const [type, , registration] = await peer.read();
  assert.deepEqual([type, registration], [66, 9]);
});

Deno.test("a procedure that another session forced away is simply gone, and unregister() still works", async () => {
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

Deno.test("GOODBYE of the router is answered, the socket closed, and pending calls are rejected", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
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
  await using scripted = await openScripted();
  const { session, peer } = scripted;
  peer.send([3, { message: "shutting down" }, "wamp.close.system_shutdown"]);
  assert.equal((await peer.closed).code, 1000);
  assert.deepEqual(await session.closed, { kind: "aborted", reason: "shutting down" });
});

Deno.test("close() says GOODBYE, waits for the answer and closes with 1000 goodbye", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
  const closing = session.close();
  await assert.rejects(session.call("x.a"), { code: "not_connected" });
  assert.deepEqual(await peer.read(), [6, {}, "wamp.close.close_realm"]);
  peer.send([6, {}, "wamp.close.goodbye_and_out"]);
  await closing;
  assert.deepEqual(await peer.closed, { code: 1000, reason: "goodbye" });
  assert.deepEqual(await session.closed, { kind: "left" });
});

Deno.test("close() does not wait for ever for a router that says nothing", async () => {
  const clock = new FakeClock();
  await using scripted = await openScripted({ clock, responseMs: 1_000 });
  const { session, peer } = scripted;
  const closing = session.close();
  await peer.read();
  await clock.advance(2_000);
  await closing;
  assert.deepEqual(await peer.closed, { code: 1000, reason: "goodbye" });
});

Deno.test("a frame above 16 MiB is refused for that message only and never sent", async () => {
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

Deno.test("broken UTF-8 and lone surrogates are replaced in both directions and break nothing", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
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
  peer.cut();
  await session.closed;
  assert.deepEqual(seen, ["out 1", "in 2", "out 16"]);
});

Deno.test("a server that does not choose wamp.2.json is refused", async () => {
  for (const protocol of [false, "wamp.2.cbor"] as const) {
    await using router = await FakeRouter.listen({ protocol });
    await assert.rejects(openTransport(router.url), { code: "connect_failed" });
  }
});

Deno.test("a call that is canceled before it begins sends nothing", async () => {
  await using scripted = await openScripted();
  const { session, peer } = scripted;
  await assert.rejects(session.call("x.a", [], { signal: AbortSignal.abort() }), { code: "canceled" });
  await session.publish("x.b", []);
  assert.equal((await peer.read())[3], "x.b");
});
