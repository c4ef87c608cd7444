import assert from "node:assert/strict";
import { FakeRouter } from "../../fakes/fake_router.ts";
import { openSession, openTransport } from "./open_session.ts";

Deno.test("joinSession() sends HELLO with authid, method and only the roles that we use, and no extra headers", async () => {
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
  peer.terminate();
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
  peer.terminate();
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
    name: "a refused signature in answer to HELLO",
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

Deno.test("joinSession() ends when its signal is aborted and when the socket closes", async () => {
  await using router = await FakeRouter.listen();
  const controller = new AbortController();
  const aborted = assert.rejects(openSession(router.url, { signal: controller.signal }), { code: "canceled" });
  await (await router.accept()).read();
  controller.abort();
  await aborted;
  const failing = assert.rejects(openSession(router.url), { code: "connect_failed" });
  const peer = await router.accept();
  await peer.read();
  peer.terminate();
  await failing;
});

Deno.test("a server that does not choose wamp.2.json is refused", async () => {
  for (const protocol of [false, "wamp.2.cbor"] as const) {
    await using router = await FakeRouter.listen({ protocol });
    await assert.rejects(openTransport(router.url), { code: "connect_failed" });
  }
});
