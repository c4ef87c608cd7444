import assert from "node:assert/strict";
import { Router, type RouterOptions } from "../../../scripts/studio/router/router.ts";
import { numberAt, RawPeer } from "../../contract/raw_peer.ts";

const device = { authid: "12-345", secret: "s" };

const upgradeRequest = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: wamp.2.json\r\n\r\n";

async function startRouter(options: Partial<RouterOptions> = {}): Promise<Router> {
  return await Router.listen({
    hostname: "127.0.0.1",
    port: 0,
    realm: "realm1",
    users: { "12-345": { secret: "s" } },
    ...options,
  });
}

async function join(router: Router, account = device): Promise<RawPeer> {
  const peer = await RawPeer.open(router.url);
  assert.equal((await peer.join(account))[0], 2);
  return peer;
}

Deno.test("users can be added and removed at run time; their sessions stay", async () => {
  await using router = await startRouter();
  await using early = await join(router);
  router.removeUser("12-345");
  await using late = await RawPeer.open(router.url);
  assert.equal((await late.join(device))[2], "wamp.error.not_authorized");
  assert.equal((await early.call("wamp.session.count"))[0], 50);
  router.addUser("77", { secret: "t", role: "account" });
  await using account = await join(router, { authid: "77", secret: "t" });
  const { authrole } = Object(Object((await account.call("wamp.session.get", [account.id]))[3])[0]);
  assert.equal(authrole, "account");
});

Deno.test("realms are isolated from each other", async () => {
  await using router = await startRouter();
  router.addRealm("realm2");
  await using first = await join(router);
  await using second = await RawPeer.open(router.url);
  assert.equal((await second.join(device, { realm: "realm2" }))[0], 2);
  await first.register("a.b");
  assert.equal((await second.call("a.b"))[4], "wamp.error.no_such_procedure");
  await second.register("a.b");
});

Deno.test("the authorise callback decides on calls, registrations, subscriptions and publications", async () => {
  const asked: string[] = [];
  await using router = await startRouter({
    authorise: ({ session, action, uri }) => {
      asked.push(`${session.authid} ${action} ${uri}`);
      return uri !== "no.no";
    },
  });
  await using peer = await join(router);
  const denied = [
    await peer.call("no.no"),
    await peer.request(64, {}, "no.no"),
    await peer.request(32, {}, "no.no"),
    await peer.request(16, { acknowledge: true }, "no.no"),
  ];
  assert.deepEqual(denied.map((frame) => frame[4]), Array(4).fill("wamp.error.not_authorized"));
  assert.deepEqual(asked, ["call", "register", "subscribe", "publish"].map((action) => `12-345 ${action} no.no`));
  peer.send([16, 9, {}, "no.no"]);
  await peer.register("yes.yes");
});

Deno.test("pause() leaves everything unanswered until resume()", async () => {
  await using router = await startRouter();
  await using peer = await join(router);
  router.pause();
  peer.socket.sendPing("anybody there");
  const request = peer.begin(48, {}, "wamp.session.count");
  const opening = RawPeer.open(router.url);
  const quiet = new Promise<string>((resolve) => setTimeout(() => resolve("quiet"), 100));
  const first = await Promise.race([
    quiet,
    opening.then(() => "opened"),
    peer.reply(48, request).then(() => "answered"),
    peer.pong("anybody there").then(() => "pong"),
  ]);
  assert.equal(first, "quiet");
  router.resume();
  await using late = await opening;
  assert.equal((await late.join(device))[0], 2);
});

Deno.test("clients that disconnect while the router is paused do no harm", async () => {
  await using router = await startRouter();
  router.pause();
  const { hostname, port } = new URL(router.url);
  for (const text of ["", "GET / HTTP/1.1\r\n", upgradeRequest]) {
    using connection = await Deno.connect({ hostname, port: Number(port) });
    await connection.write(new TextEncoder().encode(text));
  }
  router.resume();
  await using peer = await join(router);
  assert.equal((await peer.call("wamp.session.count"))[0], 50);
});

Deno.test("messages to a paused session arrive after resume()", async () => {
  await using router = await startRouter();
  await using subscriber = await join(router);
  await subscriber.subscribe("wamp.session.on_leave");
  await using gone = await join(router);
  router.pause();
  router.goodbye(subscriber.id, { reason: "some.reason" });
  router.resume();
  assert.deepEqual(await subscriber.next(6), [6, {}, "some.reason"]);
  assert.equal(router.sessions.some((session) => session.id === gone.id), true);
});

Deno.test("refuse() refuses new connections and keeps open ones; accept() listens on the same port again", async () => {
  await using router = await startRouter();
  await using peer = await join(router);
  const { url } = router;
  router.refuse();
  await assert.rejects(RawPeer.open(url), Deno.errors.ConnectionRefused);
  assert.equal((await peer.call("wamp.session.count"))[0], 50);
  await router.accept();
  assert.equal(router.url, url);
  await using _late = await join(router);
});

Deno.test("dropSession() drops the connection without GOODBYE or close frame, and the session ends", async () => {
  await using router = await startRouter();
  await using peers = await pair(router);
  const [watcher, peer] = peers;
  await watcher.subscribe("wamp.session.on_leave");
  assert.equal(router.dropSession(peer.id), true);
  assert.equal((await peer.closed()).code, 1006);
  assert.deepEqual((await watcher.next(36))[4], [peer.id]);
  assert.equal(router.dropSession(peer.id), false);
});

Deno.test("strandSession() keeps the registrations of a lost client until burySession()", async () => {
  await using router = await startRouter();
  await using peers = await pair(router);
  const [watcher, peer] = peers;
  await peer.register("a.b");
  router.strandSession(peer.id);
  assert.equal((await peer.closed()).code, 1006);
  assert.equal((await watcher.request(64, {}, "a.b"))[4], "wamp.error.procedure_already_exists");
  watcher.send([48, 77, { timeout: 20 }, "a.b"]);
  assert.deepEqual((await watcher.next(8)).slice(4), ["wamp.error.canceled", ["timeout reached"]]);
  assert.equal(router.endStrandedSession(watcher.id), false);
  assert.equal(router.endStrandedSession(peer.id), true);
  await watcher.register("a.b");
});

Deno.test("a stranded session ends with the router", async () => {
  const router = await startRouter();
  await using peer = await join(router);
  router.strandSession(peer.id);
  await router[Symbol.asyncDispose]();
  assert.deepEqual(router.sessions, []);
});

Deno.test("goodbye() sends the reason, and returns false when there is no such session", async () => {
  await using router = await startRouter();
  await using peer = await join(router);
  assert.equal(router.goodbye(peer.id, { reason: "wamp.close.normal", message: "superseded" }), true);
  assert.deepEqual(await peer.next(), [6, { message: "superseded" }, "wamp.close.normal"]);
  assert.equal(router.goodbye(1), false);
});

Deno.test("a client that does not read is dropped when too many bytes are unsent", async () => {
  await using router = await startRouter({ sendLimitBytes: 100_000 });
  await using peers = await pair(router);
  const [publisher, slow] = peers;
  await slow.subscribe("a.b");
  slow.socket.stopReading();
  // The system's own buffers hold a few megabytes first.
  const chunk = "x".repeat(50_000);
  for (let count = 0; count < 1000 && router.sessions.length === 2; count++) {
    await publisher.request(16, { acknowledge: true }, "a.b", [chunk]);
  }
  assert.deepEqual(router.sessions.map((session) => session.id), [publisher.id]);
});

Deno.test("a socket that does not join in time is closed, a joined one is not", async () => {
  await using router = await startRouter({ joinLimitMs: 500 });
  await using silent = await RawPeer.open(router.url);
  await using peer = await join(router);
  assert.equal((await silent.closed()).code, 1008);
  assert.equal((await peer.call("wamp.session.count"))[0], 50);
});

Deno.test("closeAll() sends GOODBYE, closes with 1001 and still accepts connections", async () => {
  await using router = await startRouter();
  await using peer = await join(router);
  await router.closeAll();
  assert.deepEqual(await peer.next(), [6, {}, "wamp.close.system_shutdown"]);
  assert.equal((await peer.closed()).code, 1001);
  await using _next = await join(router);
});

Deno.test("dropAll() drops every connection without a close frame", async () => {
  await using router = await startRouter();
  await using peers = await pair(router);
  const [first, second] = peers;
  await router.dropAll();
  assert.deepEqual([(await first.closed()).code, (await second.closed()).code], [1006, 1006]);
  assert.deepEqual(router.sessions, []);
});

Deno.test("the router stops even if a client does not read, a call is open and everything is paused", async () => {
  const router = await startRouter();
  await using peers = await pair(router);
  const [caller, callee] = peers;
  await callee.register("a.b");
  caller.begin(48, { timeout: 60_000 }, "a.b");
  await callee.next(68);
  callee.socket.stopReading();
  router.pause();
  await router[Symbol.asyncDispose]();
  await assert.rejects(RawPeer.open(router.url), Deno.errors.ConnectionRefused);
});

Deno.test("a port that is in use is an error with the address", async () => {
  await using router = await startRouter();
  const port = Number(new URL(router.url).port);
  await assert.rejects(startRouter({ port }), { code: "io_failed", message: `Cannot listen on 127.0.0.1:${port}` });
});

Deno.test("only wamp.2.json is supported, and plain HTTP is answered with 426", async () => {
  await using router = await startRouter();
  const response = await fetch(router.url.replace("ws:", "http:"));
  assert.equal(response.status, 426);
  await response.body?.cancel();
  const socket = new WebSocket(router.url, ["wamp.2.cbor"]);
  const closed = await new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  assert.notEqual(closed.code, 1000);
});

Deno.test("a payload that is nested too deeply closes only the connection of its sender", async () => {
  await using router = await startRouter();
  await using peers = await pair(router);
  const [vandal, bystander] = peers;
  await bystander.subscribe("a.b");
  const depth = 200_000;
  vandal.socket.sendText(`[16,1,{},"a.b",${"[".repeat(depth)}${"]".repeat(depth)}]`);
  const end = await Promise.race([vandal.closed(), bystander.next(36)]);
  assert.ok(Array.isArray(end) || end.code === 1011 || end.code === 1002);
  assert.equal((await bystander.call("wamp.session.count"))[0], 50);
});

Deno.test("a thousand parallel calls are all answered to their callers", async () => {
  await using router = await startRouter();
  await using peers = await pair(router);
  const [caller, callee] = peers;
  await callee.register("a.b");
  const calls = Array.from({ length: 1000 }, (_, index) => caller.begin(48, {}, "a.b", [index]));
  for (let count = 0; count < 1000; count++) {
    const invocation = await callee.next(68);
    callee.send([70, numberAt(invocation, 1), {}, invocation[4]]);
  }
  for (const [index, call] of calls.entries()) assert.deepEqual((await caller.reply(48, call))[3], [index]);
});

async function pair(router: Router): Promise<[RawPeer, RawPeer] & AsyncDisposable> {
  const peers: [RawPeer, RawPeer] = [await join(router), await join(router)];
  const dispose = async () => {
    for (const peer of peers) await peer.cut();
  };
  return Object.assign(peers, { [Symbol.asyncDispose]: dispose });
}
