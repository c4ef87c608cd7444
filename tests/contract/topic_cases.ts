/** Cases of the router contract: publish and subscribe. */

import assert from "node:assert/strict";
import { type Frame, numberAt, type RawPeer } from "./raw_peer.ts";
import { assertError, type RouterCase, type RouterFixture } from "./router_fixture.ts";

/** A subscriber and a publisher on one topic. */
async function topicPair(
  fixture: RouterFixture,
): Promise<{ subscriber: RawPeer; publisher: RawPeer; topic: string; id: number }> {
  const subscriber = await fixture.join();
  const topic = fixture.uri("topic.one");
  const id = await subscriber.subscribe(topic);
  return { subscriber, publisher: await fixture.join("backend"), topic, id };
}

/** Publishes with acknowledgement and returns the publication's id. */
async function publish(
  peer: RawPeer,
  { topic, options = {}, payload = [] }: { topic: string; options?: object; payload?: unknown[] },
): Promise<number> {
  const reply = await peer.request(16, { acknowledge: true, ...options }, topic, ...payload);
  assert.equal(reply[0], 17, JSON.stringify(reply));
  return numberAt(reply, 2);
}

function subscriptionIds(events: Frame[]): unknown[] {
  return events.map((event) => event[1]);
}

/** The cases of this file. */
export const topicCases: RouterCase[] = [
  {
    name: "an event carries args, kwargs, its publisher and the id from PUBLISHED",
    async run(fixture) {
      const { subscriber, publisher, topic, id } = await topicPair(fixture);
      const publication = await publish(publisher, { topic, payload: [["a", { b: 1 }], { k: null }] });
      assert.deepEqual(await subscriber.next(36), [
        36,
        id,
        publication,
        { publisher: publisher.id, publisher_authid: "system", publisher_authrole: "system" },
        ["a", { b: 1 }],
        { k: null },
      ]);
    },
  },
  {
    name: "a publication without acknowledge is not answered",
    async run(fixture) {
      const { subscriber, publisher, topic } = await topicPair(fixture);
      publisher.send([16, 1, {}, topic, []]);
      assert.equal((await subscriber.next(36)).length, 4);
      assert.deepEqual(await publisher.afterAMoment(), []);
    },
  },
  {
    name: "a publication without subscribers is acknowledged as well",
    async run(fixture) {
      assert.ok(await publish(await fixture.join(), { topic: fixture.uri("unheard") }) > 0);
    },
  },
  {
    name: "a publisher does not receive its own event unless it asks for it",
    async run(fixture) {
      const peer = await fixture.join();
      const topic = fixture.uri("own");
      const id = await peer.subscribe(topic);
      await publish(peer, { topic });
      assert.deepEqual(await peer.afterAMoment(36), []);
      await publish(peer, { topic, options: { exclude_me: false } });
      assert.equal((await peer.next(36))[1], id);
    },
  },
  {
    name: "prefix and wildcard subscriptions receive matching events with the topic's name",
    async run(fixture) {
      const [subscriber, publisher] = [await fixture.join(), await fixture.join()];
      const prefix = await subscriber.subscribe(fixture.uri("logs."), { match: "prefix" });
      const wildcard = await subscriber.subscribe(fixture.uri("logs..app"), { match: "wildcard" });
      const seen: unknown[] = [];
      for (const name of ["logs.sn.app", "logs.sn.other", "logsx"]) {
        await publish(publisher, { topic: fixture.uri(name) });
        seen.push((await subscriber.afterAMoment(36)).map((event) => [event[1], Object(event[3]).topic]));
      }
      assert.deepEqual(seen, [
        [[prefix, fixture.uri("logs.sn.app")], [wildcard, fixture.uri("logs.sn.app")]],
        [[prefix, fixture.uri("logs.sn.other")]],
        [],
      ]);
    },
  },
  {
    name: "a publication reaches each matching subscription once, with the same publication id",
    async run(fixture) {
      const { subscriber, publisher, topic, id } = await topicPair(fixture);
      const prefix = await subscriber.subscribe(fixture.uri("topic"), { match: "prefix" });
      const publication = await publish(publisher, { topic });
      const events = await subscriber.afterAMoment(36);
      assert.deepEqual(subscriptionIds(events), [id, prefix]);
      assert.deepEqual(events.map((event) => event[2]), [publication, publication]);
    },
  },
  {
    name: "all subscribers of a topic share one subscription id, which lasts until the last one leaves",
    async run(fixture) {
      const { subscriber, publisher, topic, id } = await topicPair(fixture);
      assert.equal(await publisher.subscribe(topic), id);
      assert.equal(await subscriber.subscribe(topic), id);
      await subscriber.request(34, id);
      const third = await fixture.join();
      assert.equal(await third.subscribe(topic), id);
    },
  },
  {
    name: "after UNSUBSCRIBE no event arrives, and a second UNSUBSCRIBE is an error",
    async run(fixture) {
      const { subscriber, publisher, topic, id } = await topicPair(fixture);
      assert.equal((await subscriber.request(34, id))[0], 35);
      assertError(await subscriber.request(34, id), "wamp.error.no_such_subscription");
      await publish(publisher, { topic });
      assert.deepEqual(await subscriber.afterAMoment(36), []);
    },
  },
  {
    name: "exclude and eligible lists select the receivers",
    async run(fixture) {
      const { subscriber, publisher, topic } = await topicPair(fixture);
      const other = await fixture.join("backend");
      await other.subscribe(topic);
      const received: number[][] = [];
      const lists = [
        { exclude: [subscriber.id] },
        { eligible: [subscriber.id] },
        { eligible_authid: ["nobody"] },
        { exclude_authid: ["12-345"] },
        { eligible_authrole: ["device"] },
        { exclude_authrole: ["device"] },
      ];
      for (const options of lists) {
        await publish(publisher, { topic, options });
        received.push([(await subscriber.afterAMoment(36)).length, (await other.afterAMoment(36)).length]);
      }
      assert.deepEqual(received, [[0, 1], [1, 0], [0, 0], [0, 1], [1, 0], [0, 1]]);
    },
  },
  {
    name: "topics of the router cannot be published to",
    async run(fixture) {
      const peer = await fixture.join();
      assertError(
        await peer.request(16, { acknowledge: true }, "wamp.session.on_join", []),
        "wamp.error.invalid_uri",
      );
      peer.send([16, 99, {}, "wamp.session.on_join", []]);
      assert.deepEqual(await peer.afterAMoment(), []);
    },
  },
  {
    name: "an invalid topic URI cannot be subscribed to",
    async run(fixture) {
      const peer = await fixture.join();
      const topic = `${fixture.uri("a")}..b`;
      assert.deepEqual((await peer.request(32, {}, topic)).slice(4), [
        "wamp.error.invalid_uri",
        [`subscribe for invalid topic URI '${topic}'`],
      ]);
    },
  },
  {
    name: "events arrive in the order in which they were published",
    async run(fixture) {
      const { subscriber, publisher, topic } = await topicPair(fixture);
      for (let count = 0; count < 200; count++) publisher.send([16, count + 1, {}, topic, [count]]);
      for (let count = 0; count < 200; count++) assert.deepEqual((await subscriber.next(36))[4], [count]);
    },
  },
  {
    name: "an event carries 4 MiB",
    async run(fixture) {
      const { subscriber, publisher, topic } = await topicPair(fixture);
      const big = "x".repeat(4 * 1024 * 1024);
      await publish(publisher, { topic, payload: [[big]] });
      assert.ok(Object((await subscriber.next(36))[4])[0] === big);
    },
  },
];
