/** Meta procedures and meta events. */

import assert from "node:assert/strict";
import { ask, watch } from "./meta_peer.ts";
import type { Frame } from "./raw_peer.ts";
import { assertError, type Case } from "./router_fixture.ts";

const routerIsPublisher = ["publisher", "publisher_authid", "publisher_authrole"];

function withoutTime(args: unknown[]): unknown[] {
  return args.map((arg) => {
    if (typeof arg !== "object" || arg === null || !("created" in arg)) return arg;
    const { created, ...rest } = arg;
    assert.match(String(created), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    return rest;
  });
}

export const metaProcedureCases: Case[] = [
  {
    name: "wamp.subscription.match gives the ids of all that match a topic, null when there is none",
    async run(stage) {
      const [asker, subscriber] = [await stage.join(), await stage.join()];
      const topic = stage.uri("logs.sn.app");
      assert.deepEqual((await asker.call("wamp.subscription.match", [topic]))[3], [null]);
      const exact = await subscriber.subscribe(topic);
      const prefix = await subscriber.subscribe(stage.uri("logs."), { match: "prefix" });
      assert.deepEqual(await ask(asker, "wamp.subscription.match", topic), [exact, prefix]);
      await subscriber.cut();
      await asker.afterAMoment();
      assert.equal(await ask(asker, "wamp.subscription.match", topic), null);
    },
  },
  {
    name: "subscriptions of the router's own topics are not shown",
    async run(stage) {
      const peer = await stage.join();
      await peer.subscribe("wamp.session.on_join");
      assert.equal(await ask(peer, "wamp.subscription.match", "wamp.session.on_join"), null);
      assert.equal(await ask(peer, "wamp.subscription.lookup", "wamp.session.on_join"), null);
    },
  },
  {
    name: "wamp.subscription.lookup, get, list_subscribers and count_subscribers tell about one subscription",
    async run(stage) {
      const [peer, other] = [await stage.join(), await stage.join()];
      const topic = stage.uri("a");
      const id = await peer.subscribe(topic, { match: "prefix" });
      await other.subscribe(topic, { match: "prefix" });
      assert.equal(await ask(peer, "wamp.subscription.lookup", topic, { match: "prefix" }), id);
      assert.equal(await ask(peer, "wamp.subscription.lookup", topic), null);
      const details = await ask(peer, "wamp.subscription.get", id);
      assert.deepEqual(withoutTime([details]), [{ id, uri: topic, match: "prefix" }]);
      assert.equal(await ask(peer, "wamp.subscription.count_subscribers", id), 2);
      const subscribers = await ask(peer, "wamp.subscription.list_subscribers", id);
      assert.deepEqual(new Set(Object(subscribers)), new Set([peer.id, other.id]));
    },
  },
  {
    name: "wamp.subscription.list groups the ids by match, of a session or of all",
    async run(stage) {
      const [peer, other] = [await stage.join(), await stage.join()];
      const exact = await peer.subscribe(stage.uri("a"));
      const prefix = await peer.subscribe(stage.uri("b"), { match: "prefix" });
      const wildcard = await peer.subscribe(stage.uri(".c"), { match: "wildcard" });
      const own = await ask(other, "wamp.subscription.list", peer.id);
      assert.deepEqual(own, { exact: [exact], prefix: [prefix], wildcard: [wildcard] });
      const all = Object(await ask(other, "wamp.subscription.list"));
      assert.ok(all.exact.includes(exact) && all.prefix.includes(prefix));
    },
  },
  {
    name: "wamp.subscription.list of all has the wildcard subscriptions",
    async run(stage) {
      const peer = await stage.join();
      const wildcard = await peer.subscribe(stage.uri(".c"), { match: "wildcard" });
      assert.ok(Object(await ask(peer, "wamp.subscription.list")).wildcard.includes(wildcard));
    },
  },
  {
    name: "wamp.registration.match, lookup, get, list, list_callees and count_callees tell about registrations",
    async run(stage) {
      const peer = await stage.join();
      const exact = await peer.register(stage.uri("p.exact"));
      const prefix = await peer.register(stage.uri("p"), { match: "prefix" });
      const wildcard = await peer.register(stage.uri(".w"), { match: "wildcard" });
      assert.equal(await ask(peer, "wamp.registration.match", stage.uri("p.exact")), exact);
      assert.equal(await ask(peer, "wamp.registration.match", stage.uri("p.other")), prefix);
      assert.equal(await ask(peer, "wamp.registration.match", stage.uri("none")), null);
      assert.equal(await ask(peer, "wamp.registration.lookup", stage.uri("p"), { match: "prefix" }), prefix);
      assert.equal(await ask(peer, "wamp.registration.lookup", stage.uri("p")), null);
      const details = await ask(peer, "wamp.registration.get", exact);
      assert.deepEqual(withoutTime([details]), [
        { id: exact, uri: stage.uri("p.exact"), match: "exact", invoke: "single" },
      ]);
      assert.deepEqual(await ask(peer, "wamp.registration.list", peer.id), {
        exact: [exact],
        prefix: [prefix],
        wildcard: [wildcard],
      });
      assert.ok(Object(await ask(peer, "wamp.registration.list")).exact.includes(exact));
      assert.deepEqual(await ask(peer, "wamp.registration.list_callees", exact), [peer.id]);
      assert.equal(await ask(peer, "wamp.registration.count_callees", exact), 1);
    },
  },
  {
    name: "ids nobody has are errors with a name",
    async run(stage) {
      const peer = await stage.join();
      const rows = [
        ["wamp.session.get", "wamp.error.no_such_session", "no session with ID 1 exists on this router"],
        ["wamp.session.kill", "wamp.error.no_such_session", "no session with ID 1 exists on this router"],
        ["wamp.registration.list", "wamp.error.no_such_session", "no session with ID 1 exists on this router"],
        ["wamp.subscription.list", "wamp.error.no_such_session", "no session with ID 1 exists on this router"],
        ["wamp.registration.get", "wamp.error.no_such_registration", "no registration with ID 1 exists on this dealer"],
        ["wamp.subscription.get", "wamp.error.no_such_subscription", "no subscription with ID 1 exists on this broker"],
      ];
      for (const [procedure = "", ...expected] of rows) {
        const reply = await peer.call(procedure, [1]);
        assert.deepEqual(reply.slice(4), [expected[0], [expected[1]]], procedure);
      }
    },
  },
  {
    name: "a meta procedure without its argument is an error, and one that does not exist is missing",
    async run(stage) {
      const peer = await stage.join();
      assertError(await peer.call("wamp.session.get"), "wamp.error.runtime_error");
      assertError(await peer.call("wamp.registration.match"), "wamp.error.runtime_error");
      assertError(await peer.call("wamp.session.nothing"), "wamp.error.no_such_procedure");
    },
  },
  {
    name: "wamp.session.count, list and get know the joined sessions",
    async run(stage) {
      const [peer, other] = [await stage.join(), await stage.join("backend")];
      const list = Object(await ask(peer, "wamp.session.list"));
      assert.ok(list.includes(peer.id) && list.includes(other.id));
      assert.equal(await ask(peer, "wamp.session.count"), list.length);
      assert.ok(!Object(await ask(peer, "wamp.session.list", ["device"])).includes(other.id));
      assert.equal(await ask(peer, "wamp.session.count", ["nobody"]), 0);
      const { session, authid, authrole, authmethod } = Object(await ask(peer, "wamp.session.get", other.id));
      assert.deepEqual({ session, authid, authrole, authmethod }, {
        session: other.id,
        authid: "system",
        authrole: "system",
        authmethod: "wampcra",
      });
    },
  },
];

export const metaEventCases: Case[] = [
  {
    name: "on_join and on_leave tell about sessions",
    async run(stage) {
      const next = await watch(await stage.join(), "wamp.session.on_join", "wamp.session.on_leave");
      const peer = await stage.join("backend");
      const [topic, details] = await next();
      assert.equal(topic, "wamp.session.on_join");
      const { session, authid, authrole } = Object(details);
      assert.deepEqual({ session, authid, authrole }, { session: peer.id, authid: "system", authrole: "system" });
      await peer.cut();
      assert.deepEqual(await next(), ["wamp.session.on_leave", peer.id]);
    },
  },
  {
    name: "meta events come from the router",
    async run(stage) {
      const watcher = await stage.join();
      await watcher.subscribe("wamp.session.on_join");
      await stage.join();
      const event: Frame = await watcher.next(36);
      assert.deepEqual(Object.keys(Object(event[3])), routerIsPublisher);
      assert.equal(Object(event[3]).publisher_authrole, "trusted");
    },
  },
  {
    name: "a subscription's life: on_create and on_subscribe, on_unsubscribe and on_delete",
    async run(stage) {
      const verbs = ["on_create", "on_subscribe", "on_unsubscribe", "on_delete"];
      const next = await watch(await stage.join(), ...verbs.map((verb) => `wamp.subscription.${verb}`));
      const [first, second] = [await stage.join(), await stage.join()];
      const uri = stage.uri("topic");
      const id = await first.subscribe(uri);
      assert.deepEqual(withoutTime(await next()), ["wamp.subscription.on_create", first.id, {
        id,
        uri,
        match: "exact",
      }]);
      assert.deepEqual(await next(), ["wamp.subscription.on_subscribe", first.id, id]);
      await second.subscribe(uri);
      assert.deepEqual(await next(), ["wamp.subscription.on_subscribe", second.id, id]);
      await first.request(34, id);
      assert.deepEqual(await next(), ["wamp.subscription.on_unsubscribe", first.id, id]);
      await second.request(34, id);
      assert.deepEqual(await next(), ["wamp.subscription.on_unsubscribe", second.id, id]);
      assert.deepEqual(await next(), ["wamp.subscription.on_delete", second.id, id]);
    },
  },
  {
    name: "on_create of a prefix subscription names its match",
    async run(stage) {
      const next = await watch(await stage.join(), "wamp.subscription.on_create");
      const peer = await stage.join();
      const uri = stage.uri("logs.");
      const id = await peer.subscribe(uri, { match: "prefix" });
      assert.deepEqual(withoutTime(await next()), ["wamp.subscription.on_create", peer.id, {
        id,
        uri,
        match: "prefix",
      }]);
    },
  },
  {
    name: "subscribing to a topic of the router makes no meta event",
    async run(stage) {
      const watcher = await stage.join();
      await watcher.subscribe("wamp.subscription.on_create");
      const peer = await stage.join();
      await peer.subscribe("wamp.session.on_leave");
      assert.deepEqual(await watcher.afterAMoment(36), []);
    },
  },
  {
    name: "a registration's life: on_create and on_register, on_unregister and on_delete",
    async run(stage) {
      const verbs = ["on_create", "on_register", "on_unregister", "on_delete"];
      const next = await watch(await stage.join(), ...verbs.map((verb) => `wamp.registration.${verb}`));
      const peer = await stage.join();
      const uri = stage.uri("procedure");
      const id = await peer.register(uri);
      assert.deepEqual(withoutTime(await next()), [
        "wamp.registration.on_create",
        peer.id,
        { id, uri, match: "exact", invoke: "single" },
      ]);
      assert.deepEqual(await next(), ["wamp.registration.on_register", peer.id, id]);
      await peer.request(66, id);
      assert.deepEqual(await next(), ["wamp.registration.on_unregister", peer.id, id]);
      assert.deepEqual(await next(), ["wamp.registration.on_delete", peer.id, id]);
    },
  },
  {
    name: "force_reregister makes on_create and on_register of the new one, and nothing of the old one",
    async run(stage) {
      const { callee, caller, procedure } = await stage.callPair();
      const verbs = ["on_create", "on_register", "on_unregister", "on_delete"];
      const watcher = await stage.join();
      const next = await watch(watcher, ...verbs.map((verb) => `wamp.registration.${verb}`));
      const id = await caller.register(procedure, { force_reregister: true });
      assert.deepEqual((await next())[0], "wamp.registration.on_create");
      assert.deepEqual(await next(), ["wamp.registration.on_register", caller.id, id]);
      await callee.cut();
      assert.deepEqual(await watcher.afterAMoment(36), []);
    },
  },
  {
    name: "when a session ends, on_leave comes first, then the ends of what it had, which name no session",
    async run(stage) {
      const peer = await stage.join();
      const subscription = await peer.subscribe(stage.uri("topic"));
      const registration = await peer.register(stage.uri("procedure"));
      const next = await watch(
        await stage.join(),
        "wamp.session.on_leave",
        "wamp.subscription.on_unsubscribe",
        "wamp.subscription.on_delete",
        "wamp.registration.on_unregister",
        "wamp.registration.on_delete",
      );
      await peer.cut();
      assert.deepEqual([await next(), await next(), await next(), await next(), await next()], [
        ["wamp.session.on_leave", peer.id],
        ["wamp.subscription.on_unsubscribe", null, subscription],
        ["wamp.subscription.on_delete", null, subscription],
        ["wamp.registration.on_unregister", null, registration],
        ["wamp.registration.on_delete", null, registration],
      ]);
    },
  },
];
