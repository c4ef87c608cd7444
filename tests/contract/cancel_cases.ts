/** Cases of the router contract: calls that are canceled, and calls whose caller or callee disconnects. */

import assert from "node:assert/strict";
import { allRoles } from "./raw_peer.ts";
import { type RouterCase, startCall } from "./router_fixture.ts";

/** The cases of this file. */
export const cancelCases: RouterCase[] = [
  {
    name: "CANCEL kill interrupts the callee; the caller is answered after the callee",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, { mode: "kill" }]);
      assert.deepEqual(await pair.callee.next(), [69, invocation, { mode: "kill" }]);
      assert.deepEqual(await pair.caller.afterAMoment(), []);
      pair.callee.send([8, 68, invocation, {}, "wamp.error.canceled", ["my words"]]);
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled"]);
    },
  },
  {
    name: "CANCEL kill turns a late result into canceled",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, { mode: "kill" }]);
      await pair.callee.next(69);
      pair.callee.send([70, invocation, {}, ["late"]]);
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled"]);
    },
  },
  {
    name: "CANCEL killnowait interrupts the callee and answers at once; a late answer is dropped",
    async run(fixture) {
      const pair = await fixture.callPair();
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
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, {}]);
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled"]);
      assert.deepEqual((await pair.callee.next()).slice(0, 2), [69, invocation]);
    },
  },
  {
    name: "CANCEL skip does not notify the callee, and its late answer is dropped",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair);
      pair.caller.send([49, call, { mode: "skip" }]);
      assert.deepEqual(await pair.callee.afterAMoment(), []);
      pair.callee.send([70, invocation, {}, ["late"]]);
      assert.deepEqual(await pair.caller.afterAMoment(50), []);
    },
  },
  {
    name: "CANCEL skip is answered with canceled",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call } = await startCall(pair);
      pair.caller.send([49, call, { mode: "skip" }]);
      assert.deepEqual(await pair.caller.afterAMoment(8), [[8, 48, call, {}, "wamp.error.canceled"]]);
    },
  },
  {
    name: "a callee without call_canceling is not interrupted",
    async run(fixture) {
      const callee = await fixture.join("device", { ...allRoles, callee: {} });
      const procedure = fixture.uri("procedure");
      await callee.register(procedure);
      const caller = await fixture.join();
      const { call } = await startCall({ callee, caller, procedure });
      caller.send([49, call, { mode: "kill" }]);
      assert.deepEqual(await callee.afterAMoment(), []);
    },
  },
  {
    // Crossbar.io counts the timeout in seconds, the specification in milliseconds; 1 is short either way.
    name: "a call's timeout ends it for the caller and interrupts the callee",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call, invocation } = await startCall(pair, { timeout: 1 });
      assert.deepEqual(await pair.caller.next(), [8, 48, call, {}, "wamp.error.canceled", ["timeout reached"]]);
      assert.deepEqual(await pair.callee.next(), [69, invocation, { mode: "killnowait" }]);
    },
  },
  {
    name: "when a callee disconnects, its open calls end with canceled",
    async run(fixture) {
      const pair = await fixture.callPair();
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
    name: "a callee that disconnects after its call was canceled causes no second answer",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { call } = await startCall(pair);
      pair.caller.send([49, call, { mode: "killnowait" }]);
      await pair.caller.next(8);
      await pair.callee.cut();
      assert.deepEqual(await pair.caller.afterAMoment(8), []);
    },
  },
  {
    name: "when a caller disconnects, its callee is interrupted",
    async run(fixture) {
      const pair = await fixture.callPair();
      const { invocation } = await startCall(pair);
      await pair.caller.cut();
      assert.deepEqual(await pair.callee.next(), [69, invocation, { mode: "killnowait" }]);
      pair.callee.send([70, invocation, {}]);
      assert.equal((await pair.callee.call("wamp.session.count"))[0], 50);
    },
  },
];
