/** Cases of the router contract: registrations, calls and their results. */

import assert from "node:assert/strict";
import { numberAt } from "./raw_peer.ts";
import { assertError, type RouterCase, startCall } from "./router_fixture.ts";

/** The cases of this file. */
export const callCases: RouterCase[] = [
  {
    name: "args and kwargs reach the callee and come back from it",
    async run(fixture) {
      const { callee, caller, procedure, id } = await fixture.callPair();
      const call = caller.begin(48, {}, procedure, [1, "zwei", null, { n: 3.5 }], { k: [true] });
      const invocation = await callee.next();
      assert.equal(invocation[0], 68);
      assert.equal(invocation[2], id);
      assert.deepEqual(invocation.slice(4), [[1, "zwei", null, { n: 3.5 }], { k: [true] }]);
      callee.send([70, numberAt(invocation, 1), {}, ["result"], { more: "ü" }]);
      const result = await caller.reply(48, call);
      assert.deepEqual(result.slice(3), [["result"], { more: "ü" }]);
    },
  },
  {
    name: "empty args and kwargs are left out",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
      const call = caller.begin(48, {}, procedure, [], {});
      const invocation = await callee.next(68);
      assert.equal(invocation.length, 4);
      callee.send([70, numberAt(invocation, 1), {}, [], {}]);
      assert.equal((await caller.reply(48, call)).length, 3);
    },
  },
  {
    name: "null in place of args next to kwargs is accepted and forwarded",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      pair.callee.send([70, invocation, {}, null, { a: 1 }]);
      assert.deepEqual((await pair.caller.reply(48, call)).slice(3), [null, { a: 1 }]);
    },
  },
  {
    name: "the callee learns who called, and the caller who answered",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
      const call = caller.begin(48, {}, procedure);
      const invocation = await callee.next(68);
      assert.deepEqual(invocation[3], { caller: caller.id, caller_authid: "system", caller_authrole: "system" });
      callee.send([70, numberAt(invocation, 1), {}]);
      const result = await caller.reply(48, call);
      assert.deepEqual(result[2], { callee: callee.id, callee_authid: "12-345", callee_authrole: "device" });
    },
  },
  {
    name: "an error of the callee reaches the caller with its args and kwargs",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      pair.callee.send([8, 68, invocation, {}, "wamp.error.canceled", [{ error: "why" }], { k: 1 }]);
      assert.deepEqual(await pair.caller.reply(48, call), [
        8,
        48,
        call,
        {},
        "wamp.error.canceled",
        [{ error: "why" }],
        { k: 1 },
      ]);
    },
  },
  {
    name: "calling a procedure that nobody has registered is an error",
    async run(fixture) {
      const caller = await fixture.join();
      const procedure = fixture.uri("missing");
      assert.deepEqual((await caller.call(procedure)).slice(4), [
        "wamp.error.no_such_procedure",
        [`no callee registered for procedure <${procedure}>`],
      ]);
    },
  },
  {
    name: "a registered procedure cannot be registered again, not even by its own callee",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
      const expected = [
        "wamp.error.procedure_already_exists",
        [`register for already registered procedure '${procedure}'`],
      ];
      assert.deepEqual((await caller.request(64, {}, procedure)).slice(4), expected);
      assert.deepEqual((await callee.request(64, {}, procedure)).slice(4), expected);
    },
  },
  {
    name: "force_reregister takes a procedure over; the former callee gets UNREGISTERED with request 0",
    async run(fixture) {
      const { callee, caller, procedure, id } = await fixture.callPair();
      const newId = await caller.register(procedure, { force_reregister: true });
      assert.notEqual(newId, id);
      assert.deepEqual(await callee.next(), [67, 0, { reason: "wamp.error.unregistered", registration: id }]);
      const call = callee.begin(48, {}, procedure);
      caller.send([70, numberAt(await caller.next(68), 1), {}, ["new callee"]]);
      assert.deepEqual((await callee.reply(48, call))[3], ["new callee"]);
      assertError(await callee.request(66, id), "wamp.error.no_such_registration");
    },
  },
  {
    name: "force_reregister of one's own procedure sends UNREGISTERED before REGISTERED",
    async run(fixture) {
      const { callee, procedure, id } = await fixture.callPair();
      const request = callee.begin(64, { force_reregister: true }, procedure);
      assert.deepEqual(await callee.next(), [67, 0, { reason: "wamp.error.unregistered", registration: id }]);
      assert.deepEqual((await callee.next()).slice(0, 2), [65, request]);
    },
  },
  {
    name: "a call in progress when its procedure is taken over still ends with the former callee's answer",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      await pair.caller.register(pair.procedure, { force_reregister: true });
      pair.callee.send([70, invocation, {}, ["former callee"]]);
      assert.deepEqual((await pair.caller.reply(48, call))[3], ["former callee"]);
    },
  },
  {
    name: "after UNREGISTER the procedure is free",
    async run(fixture) {
      const { callee, caller, procedure, id } = await fixture.callPair();
      assert.equal((await callee.request(66, id))[0], 67);
      assertError(await caller.call(procedure), "wamp.error.no_such_procedure");
      await caller.register(procedure);
    },
  },
  {
    name: "a prefix registration receives the calls below it with the procedure's name; the longest prefix wins",
    async run(fixture) {
      const [callee, caller] = [await fixture.join(), await fixture.join()];
      const short = await callee.register(fixture.uri("re"), { match: "prefix" });
      const long = await callee.register(fixture.uri("re.mgmt."), { match: "prefix" });
      const called: unknown[] = [];
      for (const name of ["re.x", "re.mgmt.y", "re"]) {
        caller.begin(48, {}, fixture.uri(name));
        const invocation = await callee.next(68);
        called.push([invocation[2], Object(invocation[3]).procedure]);
      }
      assert.deepEqual(called, [[short, fixture.uri("re.x")], [long, fixture.uri("re.mgmt.y")], [
        short,
        fixture.uri("re"),
      ]]);
    },
  },
  {
    name: "a wildcard registration receives matching calls that no exact or prefix registration takes",
    async run(fixture) {
      const [callee, caller] = [await fixture.join(), await fixture.join()];
      const wildcard = await callee.register(fixture.uri("a..c"), { match: "wildcard" });
      const exact = await callee.register(fixture.uri("a.exact.c"));
      const prefix = await callee.register(fixture.uri("a.prefix"), { match: "prefix" });
      const called: unknown[] = [];
      for (const name of ["a.b.c", "a.exact.c", "a.prefix.c"]) {
        caller.begin(48, {}, fixture.uri(name));
        called.push((await callee.next(68))[2]);
      }
      assert.deepEqual(called, [wildcard, exact, prefix]);
      assertError(await caller.call(fixture.uri("a.b.c.d")), "wamp.error.no_such_procedure");
    },
  },
  {
    name: "the same URI may be registered with each match policy",
    async run(fixture) {
      const callee = await fixture.join();
      const ids = [];
      for (const match of ["exact", "prefix", "wildcard"]) {
        ids.push(await callee.register(fixture.uri("same"), { match }));
      }
      assert.equal(new Set(ids).size, 3);
    },
  },
  {
    name: "procedures of the router cannot be registered",
    async run(fixture) {
      const callee = await fixture.join();
      assertError(await callee.request(64, {}, "wamp.mine"), "wamp.error.invalid_uri");
    },
  },
  {
    name: "calls are shared round robin when all callees ask for it; any other policy is refused",
    async run(fixture) {
      const { callee, caller, procedure, id } = await fixture.callPair({ invoke: "roundrobin" });
      const second = await fixture.join();
      assert.equal(await second.register(procedure, { invoke: "roundrobin" }), id);
      for (const turn of [callee, second, callee]) {
        caller.begin(48, {}, procedure);
        assert.equal((await turn.next(68))[2], id);
      }
      assertError(
        await caller.request(64, { invoke: "first" }, procedure),
        "wamp.error.procedure_exists_with_different_invocation_policy",
      );
    },
  },
  {
    name: "progressive results reach the caller before the last one",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
      const call = caller.begin(48, { receive_progress: true }, procedure);
      const invocation = await callee.next(68);
      assert.equal(Object(invocation[3]).receive_progress, true);
      for (const step of [1, 2]) callee.send([70, numberAt(invocation, 1), { progress: true }, [step]]);
      callee.send([70, numberAt(invocation, 1), {}, [3]]);
      const seen = [];
      for (let count = 0; count < 3; count++) {
        const result = await caller.reply(48, call);
        seen.push([Object(result[2]).progress, result[3]]);
      }
      assert.deepEqual(seen, [[true, [1]], [true, [2]], [undefined, [3]]]);
    },
  },
  {
    name: "calls are answered in any order",
    async run(fixture) {
      const pair = await fixture.callPair();
      const [first, second] = [await startCall(pair), await startCall(pair)];
      pair.callee.send([70, second.invocation, {}, ["second"]]);
      pair.callee.send([70, first.invocation, {}, ["first"]]);
      assert.deepEqual((await pair.caller.reply(48, second.call))[3], ["second"]);
      assert.deepEqual((await pair.caller.reply(48, first.call))[3], ["first"]);
    },
  },
  {
    name: "a callee may call its own procedure",
    async run(fixture) {
      const { callee, procedure } = await fixture.callPair();
      const { call, invocation } = await startCall({ callee, caller: callee, procedure });
      callee.send([70, invocation, {}, ["me"]]);
      assert.deepEqual((await callee.reply(48, call))[3], ["me"]);
    },
  },
  {
    name: "a call carries 4 MiB both ways",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
      const big = "ä".repeat(1024 * 1024) + "x".repeat(2 * 1024 * 1024);
      const call = caller.begin(48, {}, procedure, [big]);
      const invocation = await callee.next(68);
      assert.ok(Object(invocation[4])[0] === big);
      callee.send([70, numberAt(invocation, 1), {}, [big]]);
      assert.ok(Object((await caller.reply(48, call))[3])[0] === big);
    },
  },
  {
    name: "an answer to somebody else's invocation closes the connection that sent it",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      const stranger = await fixture.join();
      stranger.send([70, invocation, {}, ["forged"]]);
      assert.equal((await stranger.closed()).code, 1002);
      pair.callee.send([70, invocation, {}, ["true"]]);
      assert.deepEqual((await pair.caller.reply(48, call))[3], ["true"]);
    },
  },
];
