/** Register, call, and everything a call can end with. */

import assert from "node:assert/strict";
import { allRoles, numberAt, type RawPeer } from "./raw_peer.ts";
import { assertError, type Case } from "./router_fixture.ts";

/** Starts a call and takes the INVOCATION at the callee. */
async function startCall(
  { callee, caller, procedure }: { callee: RawPeer; caller: RawPeer; procedure: string },
  options: object = {},
): Promise<{ call: number; invocation: number }> {
  const call = caller.begin(48, options, procedure);
  return { call, invocation: numberAt(await callee.next(68), 1) };
}

export const callCases: Case[] = [
  {
    name: "args and kwargs reach the callee and come back from it",
    async run(stage) {
      const { callee, caller, procedure, id } = await stage.callPair();
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
    async run(stage) {
      const { callee, caller, procedure } = await stage.callPair();
      const call = caller.begin(48, {}, procedure, [], {});
      const invocation = await callee.next(68);
      assert.equal(invocation.length, 4);
      callee.send([70, numberAt(invocation, 1), {}, [], {}]);
      assert.equal((await caller.reply(48, call)).length, 3);
    },
  },
  {
    name: "null in the place of args beside kwargs is accepted and passed on",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      pair.callee.send([70, invocation, {}, null, { a: 1 }]);
      assert.deepEqual((await pair.caller.reply(48, call)).slice(3), [null, { a: 1 }]);
    },
  },
  {
    name: "the callee learns who calls, and the caller who answered",
    async run(stage) {
      const { callee, caller, procedure } = await stage.callPair();
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
    async run(stage) {
      const pair = await stage.callPair();
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
    name: "a procedure nobody has is an error",
    async run(stage) {
      const caller = await stage.join();
      const procedure = stage.uri("missing");
      assert.deepEqual((await caller.call(procedure)).slice(4), [
        "wamp.error.no_such_procedure",
        [`no callee registered for procedure <${procedure}>`],
      ]);
    },
  },
  {
    name: "a procedure that is taken cannot be registered, not even by its own holder",
    async run(stage) {
      const { callee, caller, procedure } = await stage.callPair();
      const expected = [
        "wamp.error.procedure_already_exists",
        [`register for already registered procedure '${procedure}'`],
      ];
      assert.deepEqual((await caller.request(64, {}, procedure)).slice(4), expected);
      assert.deepEqual((await callee.request(64, {}, procedure)).slice(4), expected);
    },
  },
  {
    name: "force_reregister takes a procedure over; the old holder gets UNREGISTERED with request 0",
    async run(stage) {
      const { callee, caller, procedure, id } = await stage.callPair();
      const newId = await caller.register(procedure, { force_reregister: true });
      assert.notEqual(newId, id);
      assert.deepEqual(await callee.next(), [67, 0, { reason: "wamp.error.unregistered", registration: id }]);
      const call = callee.begin(48, {}, procedure);
      caller.send([70, numberAt(await caller.next(68), 1), {}, ["new holder"]]);
      assert.deepEqual((await callee.reply(48, call))[3], ["new holder"]);
      assertError(await callee.request(66, id), "wamp.error.no_such_registration");
    },
  },
  {
    name: "force_reregister of an own procedure sends UNREGISTERED before REGISTERED",
    async run(stage) {
      const { callee, procedure, id } = await stage.callPair();
      const request = callee.begin(64, { force_reregister: true }, procedure);
      assert.deepEqual(await callee.next(), [67, 0, { reason: "wamp.error.unregistered", registration: id }]);
      assert.deepEqual((await callee.next()).slice(0, 2), [65, request]);
    },
  },
  {
    name: "a call that runs when its procedure is taken over still ends with the old holder's answer",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      await pair.caller.register(pair.procedure, { force_reregister: true });
      pair.callee.send([70, invocation, {}, ["old holder"]]);
      assert.deepEqual((await pair.caller.reply(48, call))[3], ["old holder"]);
    },
  },
  {
    name: "after UNREGISTER the procedure is free",
    async run(stage) {
      const { callee, caller, procedure, id } = await stage.callPair();
      assert.equal((await callee.request(66, id))[0], 67);
      assertError(await caller.call(procedure), "wamp.error.no_such_procedure");
      await caller.register(procedure);
    },
  },
  {
    name: "a prefix registration gets the calls below it with the procedure's name; the longest prefix wins",
    async run(stage) {
      const [callee, caller] = [await stage.join(), await stage.join()];
      const short = await callee.register(stage.uri("re"), { match: "prefix" });
      const long = await callee.register(stage.uri("re.mgmt."), { match: "prefix" });
      const called: unknown[] = [];
      for (const name of ["re.x", "re.mgmt.y", "re"]) {
        caller.begin(48, {}, stage.uri(name));
        const invocation = await callee.next(68);
        called.push([invocation[2], Object(invocation[3]).procedure]);
      }
      assert.deepEqual(called, [[short, stage.uri("re.x")], [long, stage.uri("re.mgmt.y")], [short, stage.uri("re")]]);
    },
  },
  {
    name: "a wildcard registration gets the calls that fit; an exact one goes before it, then a prefix",
    async run(stage) {
      const [callee, caller] = [await stage.join(), await stage.join()];
      const wildcard = await callee.register(stage.uri("a..c"), { match: "wildcard" });
      const exact = await callee.register(stage.uri("a.exact.c"));
      const prefix = await callee.register(stage.uri("a.prefix"), { match: "prefix" });
      const called: unknown[] = [];
      for (const name of ["a.b.c", "a.exact.c", "a.prefix.c"]) {
        caller.begin(48, {}, stage.uri(name));
        called.push((await callee.next(68))[2]);
      }
      assert.deepEqual(called, [wildcard, exact, prefix]);
      assertError(await caller.call(stage.uri("a.b.c.d")), "wamp.error.no_such_procedure");
    },
  },
  {
    name: "the same URI may be registered with each match policy",
    async run(stage) {
      const callee = await stage.join();
      const ids = [];
      for (const match of ["exact", "prefix", "wildcard"]) {
        ids.push(await callee.register(stage.uri("same"), { match }));
      }
      assert.equal(new Set(ids).size, 3);
    },
  },
  {
    name: "procedures of the router cannot be registered",
    async run(stage) {
      const callee = await stage.join();
      assertError(await callee.request(64, {}, "wamp.mine"), "wamp.error.invalid_uri");
    },
  },
  {
    name: "calls are shared round robin when all callees ask for it; another policy is refused",
    async run(stage) {
      const { callee, caller, procedure, id } = await stage.callPair({ invoke: "roundrobin" });
      const second = await stage.join();
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
    async run(stage) {
      const { callee, caller, procedure } = await stage.callPair();
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
    async run(stage) {
      const pair = await stage.callPair();
      const [first, second] = [await startCall(pair), await startCall(pair)];
      pair.callee.send([70, second.invocation, {}, ["second"]]);
      pair.callee.send([70, first.invocation, {}, ["first"]]);
      assert.deepEqual((await pair.caller.reply(48, second.call))[3], ["second"]);
      assert.deepEqual((await pair.caller.reply(48, first.call))[3], ["first"]);
    },
  },
  {
    name: "a callee may call its own procedure",
    async run(stage) {
      const { callee, procedure } = await stage.callPair();
      const { call, invocation } = await startCall({ callee, caller: callee, procedure });
      callee.send([70, invocation, {}, ["me"]]);
      assert.deepEqual((await callee.reply(48, call))[3], ["me"]);
    },
  },
  {
    name: "4 MiB go through a call both ways",
    async run(stage) {
      const { callee, caller, procedure } = await stage.callPair();
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
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      const stranger = await stage.join();
      stranger.send([70, invocation, {}, ["forged"]]);
      assert.equal((await stranger.closed()).code, 1002);
      pair.callee.send([70, invocation, {}, ["true"]]);
      assert.deepEqual((await pair.caller.reply(48, call))[3], ["true"]);
    },
  },
];

export const cancelCases: Case[] = [
  {
    name: "CANCEL kill interrupts the callee; the caller hears when the callee has answered",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, { mode: "kill" }]);
      assert.deepEqual(await pair.callee.next(), [69, invocation, { mode: "kill" }]);
      assert.deepEqual(await pair.caller.afterAMoment(), []);
      pair.callee.send([8, 68, invocation, {}, "wamp.error.canceled", ["my words"]]);
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled"]);
    },
  },
  {
    name: "CANCEL kill turns a result that comes all the same into canceled",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, { mode: "kill" }]);
      await pair.callee.next(69);
      pair.callee.send([70, invocation, {}, ["late"]]);
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled"]);
    },
  },
  {
    name: "CANCEL killnowait interrupts the callee and answers at once; what the callee still sends is dropped",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, { mode: "killnowait" }]);
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled"]);
      assert.deepEqual(await pair.callee.next(), [69, invocation, { mode: "killnowait" }]);
      pair.callee.send([70, invocation, {}, ["late"]]);
      assert.deepEqual(await pair.caller.afterAMoment(), []);
    },
  },
  {
    name: "CANCEL without a mode is killnowait",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, {}]);
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled"]);
      assert.deepEqual((await pair.callee.next()).slice(0, 2), [69, invocation]);
    },
  },
  {
    name: "CANCEL skip does not tell the callee, and its late answer is dropped",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, { mode: "skip" }]);
      assert.deepEqual(await pair.callee.afterAMoment(), []);
      pair.callee.send([70, invocation, {}, ["late"]]);
      assert.deepEqual(await pair.caller.afterAMoment(50), []);
    },
  },
  {
    name: "CANCEL skip is answered with canceled",
    async run(stage) {
      const pair = await stage.callPair();
      const { call } = await startCall(pair);
      pair.caller.send([49, call, { mode: "skip" }]);
      assert.deepEqual(await pair.caller.afterAMoment(8), [[8, 48, call, {}, "wamp.error.canceled"]]);
    },
  },
  {
    name: "a callee that cannot be interrupted is not",
    async run(stage) {
      const callee = await stage.join("device", { ...allRoles, callee: {} });
      const procedure = stage.uri("procedure");
      await callee.register(procedure);
      const caller = await stage.join();
      const { call } = await startCall({ callee, caller, procedure });
      caller.send([49, call, { mode: "kill" }]);
      assert.deepEqual(await callee.afterAMoment(), []);
    },
  },
  {
    // Crossbar.io counts the limit in seconds, the specification in milliseconds; 1 ends soon in both.
    name: "a call's time limit ends it at the caller and interrupts the callee",
    async run(stage) {
      const pair = await stage.callPair();
      const { call, invocation } = await startCall(pair, { timeout: 1 });
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled", ["timeout reached"]]);
      assert.deepEqual(await pair.callee.next(), [69, invocation, { mode: "killnowait" }]);
    },
  },
  {
    name: "a callee that vanishes ends its open calls with canceled",
    async run(stage) {
      const pair = await stage.callPair();
      const { call } = await startCall(pair);
      await pair.callee.cut();
      assert.deepEqual(await pair.caller.next(), [
        8,
        48,
        call,
        {},
        "wamp.error.canceled",
        ["callee disconnected from in-flight request"],
      ]);
    },
  },
  {
    name: "a callee that vanishes after its call was canceled makes no second answer",
    async run(stage) {
      const pair = await stage.callPair();
      const { call } = await startCall(pair);
      pair.caller.send([49, call, { mode: "killnowait" }]);
      await pair.caller.next(8);
      await pair.callee.cut();
      assert.deepEqual(await pair.caller.afterAMoment(8), []);
    },
  },
  {
    name: "a caller that vanishes interrupts its callee",
    async run(stage) {
      const pair = await stage.callPair();
      const { invocation } = await startCall(pair);
      await pair.caller.cut();
      assert.deepEqual(await pair.callee.next(), [69, invocation, { mode: "killnowait" }]);
      pair.callee.send([70, invocation, {}]);
      assert.equal((await pair.callee.call("wamp.session.count"))[0], 50);
    },
  },
];
