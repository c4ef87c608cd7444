/** Cases of the router contract: how sessions end, testaments, and `wamp.session.kill`. */

import assert from "node:assert/strict";
import { watch } from "./meta_events.ts";
import { numberAt, type RawPeer } from "./raw_peer.ts";
import { accounts, assertError, type RouterCase } from "./router_fixture.ts";

/** The ways in which a session may end. */
const ends: Record<string, (peer: RawPeer, other: RawPeer) => Promise<void>> = {
  "a lost connection": (peer) => peer.cut(),
  "a closed socket": async (peer) => {
    peer.socket.sendClose(1000);
    await peer.closed();
  },
  "GOODBYE": async (peer) => {
    await peer.ask([6, {}, "wamp.close.close_realm"]);
  },
  "an answered kill": async (peer, other) => {
    await other.call("wamp.session.kill", [peer.id]);
    await peer.next(6);
    peer.send([6, {}, "wamp.close.goodbye_and_out"]);
  },
};

/** The cases about testaments. */
export const testamentCases: RouterCase[] = [
  ...Object.entries(ends).map(([how, end]): RouterCase => ({
    name: `testaments are published after ${how}, detached before destroyed`,
    async run(fixture) {
      const [heir, peer] = [await fixture.join("backend"), await fixture.join()];
      await heir.subscribe(fixture.uri("last"), { match: "prefix" });
      const add = "wamp.session.add_testament";
      assert.ok(numberAt(Object((await peer.call(add, [fixture.uri("last.one"), [{ id: 1 }], {}]))[3]), 0) > 0);
      await peer.call(add, [fixture.uri("last.two"), ["d"], { k: 1 }, {}, "detached"]);
      const acknowledged = { publish_options: { acknowledge: true } };
      await peer.request(48, {}, add, [fixture.uri("last.three"), [], {}], acknowledged);
      await end(peer, heir);
      const events = [await heir.next(36), await heir.next(36), await heir.next(36)];
      assert.deepEqual(events.map((event) => [Object(event[3]).topic, ...event.slice(4)]), [
        [fixture.uri("last.two"), ["d"], { k: 1 }],
        [fixture.uri("last.one"), [{ id: 1 }]],
        [fixture.uri("last.three")],
      ]);
      assert.equal(Object(events[0]?.[3]).publisher_authid, accounts.device.authid);
    },
  })),
  {
    name: "a testament waits for the end of its session",
    async run(fixture) {
      const [heir, peer] = [await fixture.join(), await fixture.join()];
      const topic = fixture.uri("last");
      await heir.subscribe(topic);
      await peer.call("wamp.session.add_testament", [topic, [], {}]);
      assert.deepEqual(await heir.afterAMoment(36), []);
    },
  },
  {
    name: "flushed testaments are not published, and the flush returns their number",
    async run(fixture) {
      const [heir, peer] = [await fixture.join(), await fixture.join()];
      const topic = fixture.uri("last");
      await heir.subscribe(topic);
      for (const _ of [1, 2]) await peer.call("wamp.session.add_testament", [topic, [], {}]);
      assert.deepEqual((await peer.call("wamp.session.flush_testaments"))[3], [2]);
      assert.deepEqual((await peer.call("wamp.session.flush_testaments"))[3], [0]);
      await peer.cut();
      assert.deepEqual(await heir.afterAMoment(36), []);
    },
  },
  {
    name: "a testament with an unknown scope or without args is refused",
    async run(fixture) {
      const peer = await fixture.join();
      const add = "wamp.session.add_testament";
      assertError(await peer.call(add, [fixture.uri("t"), [], {}, {}, "never"]), "wamp.error.testament_error");
      assertError(await peer.call(add, [fixture.uri("t")]), "wamp.error.runtime_error");
    },
  },
];

/** The cases about `wamp.session.kill`. */
export const killCases: RouterCase[] = [
  {
    name: "a killed session receives GOODBYE with the reason and the message",
    async run(fixture) {
      const [peer, killer] = [await fixture.join(), await fixture.join()];
      const why = { reason: "my.reason", message: "because" };
      const reply = await killer.request(48, {}, "wamp.session.kill", [peer.id], why);
      assert.deepEqual(reply[3], [null]);
      assert.deepEqual(await peer.next(), [6, { message: "because" }, "my.reason"]);
    },
  },
  {
    name: "the default reason of GOODBYE is wamp.close.normal; reason and message may be positional",
    async run(fixture) {
      const [first, second, killer] = [await fixture.join(), await fixture.join(), await fixture.join()];
      await killer.call("wamp.session.kill", [first.id]);
      assert.deepEqual(await first.next(), [6, {}, "wamp.close.normal"]);
      await killer.call("wamp.session.kill", [second.id, "my.reason", "because"]);
      assert.deepEqual(await second.next(), [6, { message: "because" }, "my.reason"]);
    },
  },
  {
    name: "a killed session keeps its registrations until it has answered GOODBYE",
    async run(fixture) {
      const { callee, caller, procedure, id } = await fixture.callPair();
      await caller.call("wamp.session.kill", [callee.id]);
      await callee.next(6);
      assertError(await caller.request(64, {}, procedure), "wamp.error.procedure_already_exists");
      caller.begin(48, {}, procedure);
      assert.equal((await callee.next(68))[2], id);
      assert.ok(Object(await caller.result("wamp.session.list")).includes(callee.id));
      callee.send([6, {}, "wamp.close.goodbye_and_out"]);
      assertError(await caller.next(8), "wamp.error.canceled");
      await caller.register(procedure);
      assert.deepEqual(await callee.afterAMoment(6), []);
    },
  },
  {
    name: "a killed session that does not answer loses its registrations with its socket",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
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
    async run(fixture) {
      const peer = await fixture.join();
      const id = peer.begin(48, {}, "wamp.session.kill", [peer.id]);
      assert.equal((await peer.next())[0], 6);
      assert.equal((await peer.reply(48, id))[0], 50);
      assertError(await peer.call("wamp.session.kill", [peer.id]), "wamp.error.runtime_error");
    },
  },
];
