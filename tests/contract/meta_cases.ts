/** Cases of the router contract: meta procedures and meta events. */

import assert from "node:assert/strict";
import { watch } from "./meta_events.ts";
import type { Frame } from "./raw_peer.ts";
import { assertError, type RouterCase } from "./router_fixture.ts";

const routerIsPublisher = ["publisher", "publisher_authid", "publisher_authrole"];

function withoutTime(args: unknown[]): unknown[] {
  return args.map((arg) => {
    if (typeof arg !== "object" || arg === null || !("created" in arg)) return arg;
    const { created, ...rest } = arg;
    assert.match(String(created), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    return rest;
  });
}

/** The cases about meta procedures. */
export const metaProcedureCases: RouterCase[] = [
  {
    name: "wamp.subscription.match returns the ids of all subscriptions that match a topic, or null",
    async run(fixture) {
      const [asker, subscriber] = [await fixture.join(), await fixture.join()];
      const topic = fixture.uri("logs.sn.app");
      assert.deepEqual((await asker.call("wamp.subscription.match", [topic]))[3], [null]);
      const exact = await subscriber.subscribe(topic);
      const prefix = await subscriber.subscribe(fixture.uri("logs."), { match: "prefix" });
      assert.deepEqual(await asker.result("wamp.subscription.match", topic), [exact, prefix]);
      await subscriber.cut();
      await asker.afterAMoment();
      assert.equal(await asker.result("wamp.subscription.match", topic), null);
    },
  },
  {
    name: "subscriptions to the router's own topics are hidden",
    async run(fixture) {
      const peer = await fixture.join();
      await peer.subscribe("wamp.session.on_join");
      assert.equal(await peer.result("wamp.subscription.match", "wamp.session.on_join"), null);
      assert.equal(await peer.result("wamp.subscription.lookup", "wamp.session.on_join"), null);
    },
  },
  {
    name: "wamp.subscription.lookup, get, list_subscribers and count_subscribers describe one subscription",
    async run(fixture) {
      const [peer, other] = [await fixture.join(), await fixture.join()];
      const topic = fixture.uri("a");
      const id = await peer.subscribe(topic, { match: "prefix" });
      await other.subscribe(topic, { match: "prefix" });
      assert.equal(await peer.result("wamp.subscription.lookup", topic, { match: "prefix" }), id);
      assert.equal(await peer.result("wamp.subscription.lookup", topic), null);
      const details = await peer.result("wamp.subscription.get", id);
      assert.deepEqual(withoutTime([details]), [{ id, uri: topic, match: "prefix" }]);
      assert.equal(await peer.result("wamp.subscription.count_subscribers", id), 2);
      const subscribers = await peer.result("wamp.subscription.list_subscribers", id);
      assert.deepEqual(new Set(Object(subscribers)), new Set([peer.id, other.id]));
    },
  },
  {
    name: "wamp.subscription.list groups the ids by match, for one session or for all",
    async run(fixture) {
      const [peer, other] = [await fixture.join(), await fixture.join()];
      const exact = await peer.subscribe(fixture.uri("a"));
      const prefix = await peer.subscribe(fixture.uri("b"), { match: "prefix" });
      const wildcard = await peer.subscribe(fixture.uri(".c"), { match: "wildcard" });
      const own = await other.result("wamp.subscription.list", peer.id);
      assert.deepEqual(own, { exact: [exact], prefix: [prefix], wildcard: [wildcard] });
      const all = Object(await other.result("wamp.subscription.list"));
      assert.ok(all.exact.includes(exact) && all.prefix.includes(prefix));
    },
  },
  {
    name: "wamp.subscription.list without a session includes the wildcard subscriptions",
    async run(fixture) {
      const peer = await fixture.join();
      const wildcard = await peer.subscribe(fixture.uri(".c"), { match: "wildcard" });
      assert.ok(Object(await peer.result("wamp.subscription.list")).wildcard.includes(wildcard));
    },
  },
  {
    name: "wamp.registration.match, lookup, get, list, list_callees and count_callees describe registrations",
    async run(fixture) {
      const peer = await fixture.join();
      const exact = await peer.register(fixture.uri("p.exact"));
      const prefix = await peer.register(fixture.uri("p"), { match: "prefix" });
      const wildcard = await peer.register(fixture.uri(".w"), { match: "wildcard" });
      assert.equal(await peer.result("wamp.registration.match", fixture.uri("p.exact")), exact);
      assert.equal(await peer.result("wamp.registration.match", fixture.uri("p.other")), prefix);
      assert.equal(await peer.result("wamp.registration.match", fixture.uri("none")), null);
      assert.equal(await peer.result("wamp.registration.lookup", fixture.uri("p"), { match: "prefix" }), prefix);
      assert.equal(await peer.result("wamp.registration.lookup", fixture.uri("p")), null);
      const details = await peer.result("wamp.registration.get", exact);
      assert.deepEqual(withoutTime([details]), [
        { id: exact, uri: fixture.uri("p.exact"), match: "exact", invoke: "single" },
      ]);
      assert.deepEqual(await peer.result("wamp.registration.list", peer.id), {
        exact: [exact],
        prefix: [prefix],
        wildcard: [wildcard],
      });
      assert.ok(Object(await peer.result("wamp.registration.list")).exact.includes(exact));
      assert.deepEqual(await peer.result("wamp.registration.list_callees", exact), [peer.id]);
      assert.equal(await peer.result("wamp.registration.count_callees", exact), 1);
    },
  },
  {
    name: "unknown ids are errors that say what was not found",
    async run(fixture) {
      const peer = await fixture.join();
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
    name: "a meta procedure without its argument is an error, and so is an unknown meta procedure",
    async run(fixture) {
      const peer = await fixture.join();
      assertError(await peer.call("wamp.session.get"), "wamp.error.runtime_error");
      assertError(await peer.call("wamp.registration.match"), "wamp.error.runtime_error");
      assertError(await peer.call("wamp.session.nothing"), "wamp.error.no_such_procedure");
    },
  },
  {
    name: "wamp.session.count, list and get describe the joined sessions",
    async run(fixture) {
      const [peer, other] = [await fixture.join(), await fixture.join("backend")];
      const list = Object(await peer.result("wamp.session.list"));
      assert.ok(list.includes(peer.id) && list.includes(other.id));
      assert.equal(await peer.result("wamp.session.count"), list.length);
      assert.ok(!Object(await peer.result("wamp.session.list", ["device"])).includes(other.id));
      assert.equal(await peer.result("wamp.session.count", ["nobody"]), 0);
      const { session, authid, authrole, authmethod } = Object(await peer.result("wamp.session.get", other.id));
      assert.deepEqual({ session, authid, authrole, authmethod }, {
        session: other.id,
        authid: "system",
        authrole: "system",
        authmethod: "wampcra",
      });
    },
  },
];

/** The cases about meta events. */
export const metaEventCases: RouterCase[] = [
  {
    name: "on_join and on_leave announce sessions",
    async run(fixture) {
      const next = await watch(await fixture.join(), "wamp.session.on_join", "wamp.session.on_leave");
      const peer = await fixture.join("backend");
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
    async run(fixture) {
      const watcher = await fixture.join();
      await watcher.subscribe("wamp.session.on_join");
      await fixture.join();
      const event: Frame = await watcher.next(36);
      assert.deepEqual(Object.keys(Object(event[3])), routerIsPublisher);
      assert.equal(Object(event[3]).publisher_authrole, "trusted");
    },
  },
  {
    name: "a subscription causes on_create and on_subscribe, then on_unsubscribe and on_delete",
    async run(fixture) {
      const verbs = ["on_create", "on_subscribe", "on_unsubscribe", "on_delete"];
      const next = await watch(await fixture.join(), ...verbs.map((verb) => `wamp.subscription.${verb}`));
      const [first, second] = [await fixture.join(), await fixture.join()];
      const uri = fixture.uri("topic");
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
    async run(fixture) {
      const next = await watch(await fixture.join(), "wamp.subscription.on_create");
      const peer = await fixture.join();
      const uri = fixture.uri("logs.");
      const id = await peer.subscribe(uri, { match: "prefix" });
      assert.deepEqual(withoutTime(await next()), ["wamp.subscription.on_create", peer.id, {
        id,
        uri,
        match: "prefix",
      }]);
    },
  },
  {
    name: "subscribing to a topic of the router causes no meta event",
    async run(fixture) {
      const watcher = await fixture.join();
      await watcher.subscribe("wamp.subscription.on_create");
      const peer = await fixture.join();
      await peer.subscribe("wamp.session.on_leave");
      assert.deepEqual(await watcher.afterAMoment(36), []);
    },
  },
  {
    name: "a registration causes on_create and on_register, then on_unregister and on_delete",
    async run(fixture) {
      const verbs = ["on_create", "on_register", "on_unregister", "on_delete"];
      const next = await watch(await fixture.join(), ...verbs.map((verb) => `wamp.registration.${verb}`));
      const peer = await fixture.join();
      const uri = fixture.uri("procedure");
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
    name: "force_reregister causes on_create and on_register for the new registration only",
    async run(fixture) {
      const { callee, caller, procedure } = await fixture.callPair();
      const verbs = ["on_create", "on_register", "on_unregister", "on_delete"];
      const watcher = await fixture.join();
      const next = await watch(watcher, ...verbs.map((verb) => `wamp.registration.${verb}`));
      const id = await caller.register(procedure, { force_reregister: true });
      assert.deepEqual((await next())[0], "wamp.registration.on_create");
      assert.deepEqual(await next(), ["wamp.registration.on_register", caller.id, id]);
      await callee.cut();
      assert.deepEqual(await watcher.afterAMoment(36), []);
    },
  },
  {
    name: "when a session ends, on_leave comes first, then the events of its subscriptions and registrations",
    async run(fixture) {
      const peer = await fixture.join();
      const subscription = await peer.subscribe(fixture.uri("topic"));
      const registration = await peer.register(fixture.uri("procedure"));
      const next = await watch(
        await fixture.join(),
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
