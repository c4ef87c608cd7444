/** How sessions end: testaments and kills. */

import assert from "node:assert/strict";
import { ask, watch } from "./meta_peer.ts";
import { numberAt, type RawPeer } from "./raw_peer.ts";
import { accounts, assertError, type Case } from "./router_fixture.ts";

/** How a session may end, as a table for the testaments. */
const ends: Record<string, (peer: RawPeer, other: RawPeer) => Promise<void>> = {
  "a cut line": (peer) => peer.cut(),
  "a closed socket": async (peer) => {
    peer.socket.sendClose(1000);
    await peer.closed();
  },
  "GOODBYE": async (peer) => {
    await peer.ask([6, {}, "wamp.close.close_realm"]);
  },
  "a kill that is answered": async (peer, other) => {
    await other.call("wamp.session.kill", [peer.id]);
    await peer.next(6);
    peer.send([6, {}, "wamp.close.goodbye_and_out"]);
  },
};

export const testamentCases: Case[] = [
  ...Object.entries(ends).map(([how, end]): Case => ({
    name: `testaments are published after ${how}, detached before destroyed`,
    async run(stage) {
      const [heir, peer] = [await stage.join("backend"), await stage.join()];
      await heir.subscribe(stage.uri("last"), { match: "prefix" });
      const add = "wamp.session.add_testament";
      assert.ok(numberAt(Object((await peer.call(add, [stage.uri("last.one"), [{ id: 1 }], {}]))[3]), 0) > 0);
      await peer.call(add, [stage.uri("last.two"), ["d"], { k: 1 }, {}, "detached"]);
      await peer.call(add, [stage.uri("last.three"), [], {}], { publish_options: { acknowledge: true } });
      await end(peer, heir);
      const events = [await heir.next(36), await heir.next(36), await heir.next(36)];
      assert.deepEqual(events.map((event) => [Object(event[3]).topic, ...event.slice(4)]), [
        [stage.uri("last.two"), ["d"], { k: 1 }],
        [stage.uri("last.one"), [{ id: 1 }]],
        [stage.uri("last.three")],
      ]);
      assert.equal(Object(events[0]?.[3]).publisher_authid, accounts.device.authid);
    },
  })),
  {
    name: "a testament waits for the end of its session",
    async run(stage) {
      const [heir, peer] = [await stage.join(), await stage.join()];
      const topic = stage.uri("last");
      await heir.subscribe(topic);
      await peer.call("wamp.session.add_testament", [topic, [], {}]);
      assert.deepEqual(await heir.afterAMoment(36), []);
    },
  },
  {
    name: "flushed testaments are not published, and flush tells how many there were",
    async run(stage) {
      const [heir, peer] = [await stage.join(), await stage.join()];
      const topic = stage.uri("last");
      await heir.subscribe(topic);
      for (const _ of [1, 2]) await peer.call("wamp.session.add_testament", [topic, [], {}]);
      assert.deepEqual((await peer.call("wamp.session.flush_testaments"))[3], [2]);
      assert.deepEqual((await peer.call("wamp.session.flush_testaments"))[3], [0]);
      await peer.cut();
      assert.deepEqual(await heir.afterAMoment(36), []);
    },
  },
  {
    name: "a testament with a scope nobody knows or without args is refused",
    async run(stage) {
      const peer = await stage.join();
      const add = "wamp.session.add_testament";
      assertError(await peer.call(add, [stage.uri("t"), [], {}, {}, "never"]), "wamp.error.testament_error");
      assertError(await peer.call(add, [stage.uri("t")]), "wamp.error.runtime_error");
    },
  },
];

export const killCases: Case[] = [
  {
    name: "a killed session gets GOODBYE with the reason and the message",
    async run(stage) {
      const [peer, killer] = [await stage.join(), await stage.join()];
      const reply = await killer.call("wamp.session.kill", [peer.id], { reason: "my.reason", message: "because" });
      assert.deepEqual(reply[3], [null]);
      assert.deepEqual(await peer.next(), [6, { message: "because" }, "my.reason"]);
    },
  },
  {
    name: "without a reason GOODBYE says wamp.close.normal; reason and message may come by position",
    async run(stage) {
      const [first, second, killer] = [await stage.join(), await stage.join(), await stage.join()];
      await killer.call("wamp.session.kill", [first.id]);
      assert.deepEqual(await first.next(), [6, {}, "wamp.close.normal"]);
      await killer.call("wamp.session.kill", [second.id, "my.reason", "because"]);
      assert.deepEqual(await second.next(), [6, { message: "because" }, "my.reason"]);
    },
  },
  {
    name: "a killed session keeps its registrations until it has answered GOODBYE",
    async run(stage) {
      const { callee, caller, procedure, id } = await stage.callPair();
      await caller.call("wamp.session.kill", [callee.id]);
      await callee.next(6);
      assertError(await caller.request(64, {}, procedure), "wamp.error.procedure_already_exists");
      caller.begin(48, {}, procedure);
      assert.equal((await callee.next(68))[2], id);
      assert.ok(Object(await ask(caller, "wamp.session.list")).includes(callee.id));
      callee.send([6, {}, "wamp.close.goodbye_and_out"]);
      assertError(await caller.next(8), "wamp.error.canceled");
      await caller.register(procedure);
      assert.deepEqual(await callee.afterAMoment(6), []);
    },
  },
  {
    name: "a killed session that does not answer loses its registrations with its socket",
    async run(stage) {
      const { callee, caller, procedure } = await stage.callPair();
      await caller.call("wamp.session.kill", [callee.id]);
      await callee.next(6);
      assertError(await caller.request(64, {}, procedure), "wamp.error.procedure_already_exists");
      const next = await watch(caller, "wamp.session.on_leave");
      await callee.cut();
      assert.deepEqual(await next(), ["wamp.session.on_leave", callee.id]);
      await caller.register(procedure);
    },
  },
  {
    name: "a second kill is refused, and a session may kill itself",
    async run(stage) {
      const peer = await stage.join();
      const id = peer.begin(48, {}, "wamp.session.kill", [peer.id]);
      assert.equal((await peer.next())[0], 6);
      assert.equal((await peer.reply(48, id))[0], 50);
      assertError(await peer.call("wamp.session.kill", [peer.id]), "wamp.error.runtime_error");
    },
  },
];
