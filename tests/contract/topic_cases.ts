/** Publish and subscribe. */

import assert from "node:assert/strict";
import { type Frame, numberAt, type RawPeer } from "./raw_peer.ts";
import { assertError, type Case, type Stage } from "./router_fixture.ts";

/** A subscriber and a publisher on one topic. */
async function topicPair(
  stage: Stage,
): Promise<{ subscriber: RawPeer; publisher: RawPeer; topic: string; id: number }> {
  const subscriber = await stage.join();
  const topic = stage.uri("topic.one");
  const id = await subscriber.subscribe(topic);
  return { subscriber, publisher: await stage.join("backend"), topic, id };
}

/** Publishes with acknowledgement; gives the publication's id. */
async function publish(peer: RawPeer, topic: string, options: object = {}, ...payload: unknown[]): Promise<number> {
  const reply = await peer.request(16, { acknowledge: true, ...options }, topic, ...payload);
  assert.equal(reply[0], 17, JSON.stringify(reply));
  return numberAt(reply, 2);
}

function subscriptionIds(events: Frame[]): unknown[] {
  return events.map((event) => event[1]);
}

export const topicCases: Case[] = [
  {
    name: "an event carries args, kwargs and its publisher, and the id that PUBLISHED tells",
    async run(stage) {
      const { subscriber, publisher, topic, id } = await topicPair(stage);
      const publication = await publish(publisher, topic, {}, ["a", { b: 1 }], { k: null });
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
    async run(stage) {
      const { subscriber, publisher, topic } = await topicPair(stage);
      publisher.send([16, 1, {}, topic, []]);
      assert.equal((await subscriber.next(36)).length, 4);
      assert.deepEqual(await publisher.afterAMoment(), []);
    },
  },
  {
    name: "a publication that nobody hears is acknowledged too",
    async run(stage) {
      assert.ok(await publish(await stage.join(), stage.uri("unheard")) > 0);
    },
  },
  {
    name: "a publisher does not get its own event unless it asks for it",
    async run(stage) {
      const peer = await stage.join();
      const topic = stage.uri("own");
      const id = await peer.subscribe(topic);
      await publish(peer, topic);
      assert.deepEqual(await peer.afterAMoment(36), []);
      await publish(peer, topic, { exclude_me: false });
      assert.equal((await peer.next(36))[1], id);
    },
  },
  {
    name: "prefix and wildcard subscriptions get what matches, with the topic's name",
    async run(stage) {
      const [subscriber, publisher] = [await stage.join(), await stage.join()];
      const prefix = await subscriber.subscribe(stage.uri("logs."), { match: "prefix" });
      const wildcard = await subscriber.subscribe(stage.uri("logs..app"), { match: "wildcard" });
      const seen: unknown[] = [];
      for (const name of ["logs.sn.app", "logs.sn.other", "logsx"]) {
        await publish(publisher, stage.uri(name));
        seen.push((await subscriber.afterAMoment(36)).map((event) => [event[1], Object(event[3]).topic]));
      }
      assert.deepEqual(seen, [
        [[prefix, stage.uri("logs.sn.app")], [wildcard, stage.uri("logs.sn.app")]],
        [[prefix, stage.uri("logs.sn.other")]],
        [],
      ]);
    },
  },
  {
    name: "a publication reaches each matching subscription once, with one publication id",
    async run(stage) {
      const { subscriber, publisher, topic, id } = await topicPair(stage);
      const prefix = await subscriber.subscribe(stage.uri("topic"), { match: "prefix" });
      const publication = await publish(publisher, topic);
      const events = await subscriber.afterAMoment(36);
      assert.deepEqual(subscriptionIds(events), [id, prefix]);
      assert.deepEqual(events.map((event) => event[2]), [publication, publication]);
    },
  },
  {
    name: "all subscribers of a topic share one subscription id, which stays while there is one",
    async run(stage) {
      const { subscriber, publisher, topic, id } = await topicPair(stage);
      assert.equal(await publisher.subscribe(topic), id);
      assert.equal(await subscriber.subscribe(topic), id);
      await subscriber.request(34, id);
      const third = await stage.join();
      assert.equal(await third.subscribe(topic), id);
    },
  },
  {
    name: "after UNSUBSCRIBE no event comes, and a second one is an error",
    async run(stage) {
      const { subscriber, publisher, topic, id } = await topicPair(stage);
      assert.equal((await subscriber.request(34, id))[0], 35);
      assertError(await subscriber.request(34, id), "wamp.error.no_such_subscription");
      await publish(publisher, topic);
      assert.deepEqual(await subscriber.afterAMoment(36), []);
    },
  },
  {
    name: "exclude and eligible lists choose the receivers",
    async run(stage) {
      const { subscriber, publisher, topic } = await topicPair(stage);
      const other = await stage.join("backend");
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
        await publish(publisher, topic, options);
        received.push([(await subscriber.afterAMoment(36)).length, (await other.afterAMoment(36)).length]);
      }
      assert.deepEqual(received, [[0, 1], [1, 0], [0, 0], [0, 1], [1, 0], [0, 1]]);
    },
  },
  {
    name: "topics of the router cannot be published to",
    async run(stage) {
      const peer = await stage.join();
      assertError(
        await peer.request(16, { acknowledge: true }, "wamp.session.on_join", []),
        "wamp.error.invalid_uri",
      );
      peer.send([16, 99, {}, "wamp.session.on_join", []]);
      assert.deepEqual(await peer.afterAMoment(), []);
    },
  },
  {
    name: "a topic that is not a URI cannot be subscribed to",
    async run(stage) {
      const peer = await stage.join();
      const topic = `${stage.uri("a")}..b`;
      assert.deepEqual((await peer.request(32, {}, topic)).slice(4), [
        "wamp.error.invalid_uri",
        [`subscribe for invalid topic URI '${topic}'`],
      ]);
    },
  },
  {
    name: "events come in the order in which they were published",
    async run(stage) {
      const { subscriber, publisher, topic } = await topicPair(stage);
      for (let count = 0; count < 200; count++) publisher.send([16, count + 1, {}, topic, [count]]);
      for (let count = 0; count < 200; count++) assert.deepEqual((await subscriber.next(36))[4], [count]);
    },
  },
  {
    name: "4 MiB go through a topic",
    async run(stage) {
      const { subscriber, publisher, topic } = await topicPair(stage);
      const big = "x".repeat(4 * 1024 * 1024);
      await publish(publisher, topic, {}, [big]);
      assert.ok(Object((await subscriber.next(36))[4])[0] === big);
    },
  },
];
