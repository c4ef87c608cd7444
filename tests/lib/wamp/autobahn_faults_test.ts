// deno-lint-ignore-file no-console -- one test looks at what is written to the console
/**
 * One test or more for each fault of autobahn 26.3.1: it does not reach us. The numbers are those of
 * docs/autobahn.md.
 */

import assert from "node:assert/strict";
import { within } from "../../../lib/async/deadline.ts";
import { withInstalledPackages } from "../../../scripts/packages.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { FakeRouter } from "../../fakes/fake_router.ts";
import { openSession, openTransport, openWithPeer, recordingLog, startRouter } from "./open_session.ts";
import { startLink } from "./start_link.ts";

/** Runs a Deno program and returns its output. */
async function run(source: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const args = ["eval", "--quiet", "--no-lock", "--ext=ts", source];
  const output = await new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "piped" }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: decode(output.stdout), stderr: decode(output.stderr) };
}

const joinUrl = new URL("../../../lib/wamp/join.ts", import.meta.url).href;

Deno.test("fault 1: a peer that answers no ping is given up soon after the second ping", async () => {
  await using router = await FakeRouter.listen({ autoPong: false });
  const clock = new FakeClock();
  const [session, peer] = await Promise.all([
    openSession(router.url, { clock, pingMs: 5_000 }),
    router.accept().then(async (peer) => {
      await peer.welcome();
      return peer;
    }),
  ]);
  await clock.advance(5_000);
  await clock.advance(5_000);
  await clock.advance(1_499);
  assert.equal(session.isOpen, true);
  await clock.advance(1);
  assert.equal(session.isOpen, false);
  assert.deepEqual(await session.closed, { kind: "lost", reason: "no answer to 2 pings" });
  await peer.closed;
  assert.deepEqual(peer.pings, ["keepalive", "keepalive"]);
});

Deno.test("fault 1: close() to a dead peer takes one second, not fifteen", async () => {
  await using router = await startRouter();
  const clock = new FakeClock();
  const session = await openSession(router.url, { clock });
  router.pause();
  let isOver = false;
  const closing = session.close({ waitMs: 500 }).then(() => isOver = true);
  await clock.advance(500);
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);
  assert.equal(isOver, true);
  await closing;
  assert.deepEqual(await session.closed, { kind: "left" });
  router.resume();
});

Deno.test("fault 1: a dial to a server that accepts and stays silent ends with its signal", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const controller = new AbortController();
  const dial = openTransport(`ws://127.0.0.1:${listener.addr.port}/ws`, { signal: controller.signal });
  const connection = await accepted;
  const buffer = new Uint8Array(65_536);
  // The upgrade request: nothing but its answer is missing.
  assert.ok((await connection.read(buffer) ?? 0) > 0);
  controller.abort();
  await within(5_000, () => assert.rejects(dial, { code: "canceled" }), { what: "The end of the dial" });
  // The end of the connection: the dial left no socket behind.
  while (await connection.read(buffer).catch(() => null) !== null);
  connection.close();
});

const badFrames: { name: string; frame: string | Uint8Array; asText?: boolean }[] = [
  { name: "text that is not JSON", frame: "hello" },
  { name: "an object", frame: "{}" },
  { name: "an empty list", frame: "[]" },
  { name: "a list of text", frame: '["a"]' },
  { name: "a binary frame", frame: new Uint8Array([1, 2, 3]) },
  { name: "a known message with a broken id", frame: '[50,"x",{}]' },
];

for (const { name, frame, asText } of badFrames) {
  Deno.test(`fault 2: ${name} closes the connection cleanly`, async () => {
    await using router = await openWithPeer();
    const { session, peer } = router;
    peer.sendFrame(frame, { asText });
    const answer = await peer.read();
    assert.deepEqual([answer[0], answer[2]], [3, "wamp.error.protocol_violation"]);
    assert.deepEqual(await peer.closed, { code: 1002, reason: "protocol violation" });
    assert.equal((await session.closed).kind, "lost");
  });
}

Deno.test("fault 2: arguments that cannot be serialised fail only their call", async () => {
  await using router = await startRouter();
  const session = await openSession(router.url);
  await session.register("x.echo", ({ args }) => Promise.resolve({ args }));
  await assert.rejects(session.call("x.echo", [10n]), { code: "bad_request" });
  await assert.rejects(session.publish("x.topic", [10n]), { code: "bad_request" });
  assert.deepEqual((await session.call("x.echo", [1])).args, [1]);
  await session.close();
});

Deno.test("fault 2: an answer that cannot be serialised becomes an error for the caller", async () => {
  await using router = await startRouter();
  const session = await openSession(router.url);
  await session.register("x.bad", () => Promise.resolve({ args: [10n] }));
  await assert.rejects(session.call("x.bad"), { code: "call_failed", uri: "wamp.error.canceled" });
  assert.equal(session.isOpen, true);
  await session.close();
});

Deno.test("fault 3: a canceled call sends CANCEL, and the late answers to it are dropped", async () => {
  await using router = await openWithPeer();
  const { session, peer } = router;
  const controller = new AbortController();
  const call = session.call("x.slow", [], { signal: controller.signal });
  const request = await peer.expect(48);
  controller.abort();
  await assert.rejects(call, { code: "canceled" });
  assert.deepEqual(await peer.read(), [49, request, { mode: "killnowait" }]);
  peer.send([8, 48, request, {}, "wamp.error.canceled"], [50, request, {}, ["late"]]);
  const second = session.call("x.next");
  peer.send([50, await peer.expect(48), {}, ["fine"]]);
  assert.deepEqual((await second).args, ["fine"]);
  assert.equal(session.isOpen, true);
});

Deno.test("fault 4: INTERRUPT aborts the handler's signal and is answered at once", async () => {
  await using router = await openWithPeer();
  const { session, peer } = router;
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const registered = session.register("x.slow", async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    end("handler ended");
    return { args: ["late"] };
  });
  peer.send([65, await peer.expect(64), 9], [68, 1, 9, {}], [69, 1, { mode: "kill" }]);
  await registered;
  assert.deepEqual(await peer.read(), [8, 68, 1, {}, "wamp.error.canceled"]);
  assert.equal(await ended, "handler ended");
  await session.publish("x.next", []);
  assert.equal((await peer.read())[0], 16, "the handler's late answer is not sent");
});

Deno.test("fault 5: pending requests are rejected when the link drops, and later ones at once", async () => {
  await using router = await openWithPeer();
  const { session, peer } = router;
  const pending = [
    session.call("x.a"),
    session.register("x.b", () => Promise.resolve({})),
    session.subscribe("x.c", () => {}),
    session.publish("x.d", [], { acknowledge: true }),
  ].map((request) => assert.rejects(request, { code: "not_connected", message: "not connected" }));
  for (let count = 0; count < 4; count++) await peer.read();
  peer.terminate();
  await Promise.all(pending);
  await session.closed;
  await assert.rejects(session.call("x.a"), { code: "not_connected" });
  await assert.rejects(session.publish("x.a", []), { code: "not_connected" });
  await assert.rejects(session.register("x.a", () => Promise.resolve({})), { code: "not_connected" });
  await assert.rejects(session.subscribe("x.a", () => {}), { code: "not_connected" });
});

Deno.test("fault 5: a request that the router does not answer ends after the response deadline", async () => {
  await using router = await openWithPeer({ responseMs: 250 });
  const { session } = router;
  const requests = {
    register: () => session.register("x.b", () => Promise.resolve({})),
    subscribe: () => session.subscribe("x.c", () => {}),
    publish: () => session.publish("x.d", [], { acknowledge: true }),
    call: () => session.call("x.a", [], { timeoutMs: 250 }),
  };
  for (const [what, request] of Object.entries(requests)) {
    await within(5_000, () => assert.rejects(request(), { code: "timeout", message: /no answer in 250 ms/ }), { what });
  }
});

Deno.test("fault 6: close() ends the session for good, even while it is being closed already", async () => {
  await using router = await startRouter();
  const session = await openSession(router.url);
  await Promise.all([session.close(), session.close()]);
  assert.deepEqual(await session.closed, { kind: "left" });
  assert.equal(router.sessions.length, 0);
});

Deno.test("fault 6: GOODBYE and ABORT are dialled again, and stop() ends the wait for a dial for good", async () => {
  await using router = await FakeRouter.listen();
  const clock = new FakeClock();
  const { link, untilRun } = startLink(router.url, { clock, random: () => 0.5 });
  for (const [index, type] of [6, 3].entries()) {
    const peer = await within(5_000, () => router.accept(), { what: "The dial" });
    await peer.welcome();
    peer.send([65, await peer.expect(64), 7]);
    peer.send([50, await peer.expect(48), {}]);
    await untilRun(index + 1);
    peer.send([type, {}, "wamp.close.system_shutdown"]);
    await peer.closed;
  }
  // Two short sessions in a row: the next dial waits.
  await within(5_000, () => clock.untilSleeping(), { what: "The wait for a dial" });
  await within(5_000, () => link.stop(), { what: "The stop" });
  assert.deepEqual(await link.ended, { kind: "stopped" });
  let isDialled = false;
  router.accept().then(() => isDialled = true);
  await clock.advance(3_600_000);
  assert.deepEqual([isDialled, clock.sleeping], [false, 0]);
});

Deno.test("fault 7: the text of a handler's plain Error reaches the caller", async () => {
  await using router = await startRouter();
  const session = await openSession(router.url);
  await session.register("x.fails", () => Promise.reject(new Error("The disk is on fire")));
  await assert.rejects(session.call("x.fails"), {
    name: "RemoteError",
    uri: "wamp.error.canceled",
    args: [{ error: "The disk is on fire" }],
    message: `calling remote procedure 'x.fails': wamp.error.canceled: {"error":"The disk is on fire"}`,
  });
  await session.close();
});

Deno.test("fault 8: an unrequested progressive result does not end the call", async () => {
  await using router = await openWithPeer();
  const { session, peer } = router;
  const call = session.call("x.slow");
  const request = await peer.expect(48);
  peer.send([50, request, { progress: true }, [1]], [50, request, {}, [2]]);
  assert.deepEqual((await call).args, [2]);
});

Deno.test("fault 9: violations and closes write nothing to the console and leave the global object alone", async () => {
  const before = Object.keys(globalThis);
  const written: unknown[] = [];
  const saved = { warn: console.warn, error: console.error };
  console.warn = console.error = (...parts: unknown[]) => void written.push(parts);
  try {
    for (const message of [[33, 5, 5], [36, 5, 5, {}], [67, 0], [8, 32, 7, {}, "x"], [50, 1, {}]]) {
      await using router = await openWithPeer();
      router.peer.send(message);
      router.peer.close();
      await router.session.closed;
    }
  } finally {
    Object.assign(console, saved);
  }
  assert.deepEqual(written, []);
  assert.deepEqual(Object.keys(globalThis), before);
});

Deno.test("fault 10: calls and subscriptions work in the minified bundle", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await using router = await startRouter();
    const session = await openSession(router.url, { authid: "system" });
    const lib = new URL("../../../lib", import.meta.url).href;
    await Deno.writeTextFile(
      `${folder}/program.ts`,
      `import { Transport } from "${lib}/wamp/transport.ts";
       import { joinSession } from "${lib}/wamp/join.ts";
       import { systemClock as clock } from "${lib}/async/clock.ts";
       import { silentLog as log } from "${lib}/base/log.ts";
       const signal = new AbortController().signal;
       const proxies = { http: "", https: "", none: "" };
       const transport = await Transport.open({ url: Deno.args[0] ?? "", proxies, pingMs: 0, clock, log, signal });
       const session = await joinSession(transport, { realm: "realm1", authid: "12-345", secret: "s", responseMs: 5000, clock, log, signal });
       await session.register("x.echo", ({ args }) => Promise.resolve({ args }));
       await session.subscribe("x.topic", () => {});
       console.log(JSON.stringify((await session.call("x.echo", ["bundled"])).args));
       await session.close();`,
    );
    const settings = ["bundle", "--quiet", withInstalledPackages, "--minify"];
    const bundle = await new Deno.Command(Deno.execPath(), {
      args: [...settings, "-o", `${folder}/program.js`, `${folder}/program.ts`],
    }).output();
    assert.equal(bundle.code, 0, new TextDecoder().decode(bundle.stderr));
    const args = ["run", "--no-prompt", "--allow-net", "--allow-env", `${folder}/program.js`, router.url];
    const output = await new Deno.Command(Deno.execPath(), { args }).output();
    assert.equal(new TextDecoder().decode(output.stdout), '["bundled"]\n', new TextDecoder().decode(output.stderr));
    await session.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("fault 11: the cryptography and serialisers of autobahn are not loaded", async () => {
  const source = `import ${JSON.stringify(joinUrl)};
    import { createRequire } from "node:module";
    const loaded = Object.keys(createRequire(import.meta.url).cache ?? {});
    console.log(loaded.filter((path) => /crypto-js|cbor|msgpack|tweetnacl/.test(path)).length, loaded.length > 0);`;
  const { stdout, stderr } = await run(source);
  assert.equal(stdout.trim(), "0 true", stderr);
});

Deno.test("an event handler that throws is logged, and the next handler and the next event still run", async () => {
  const { log, lines } = recordingLog();
  await using router = await startRouter();
  const session = await openSession(router.url, { log });
  const other = await openSession(router.url, { authid: "system" });
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const seen: unknown[] = [];
  await session.subscribe("x.topic", () => {
    throw new Error("broken handler");
  });
  await session.subscribe("x.topic", ({ args }) => {
    seen.push(args[0]);
    if (seen.length === 2) resolve();
  });
  await other.publish("x.topic", [1]);
  await other.publish("x.topic", [2]);
  await done;
  assert.deepEqual(seen, [1, 2]);
  assert.deepEqual(lines, ["An event handler failed", "An event handler failed"]);
  await Promise.all([session.close(), other.close()]);
});
