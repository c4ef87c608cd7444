import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { type MetaEvent, Subscribers } from "../../../lib/app_logs/subscribers.ts";
import { routerEvents } from "../../../lib/wamp/uris.ts";

const channel = "prod_42_shop";
const topic = `reswarm.logs.SN-1.${channel}`;

/** A router's subscriptions: its answers, and its events in the order of the test. */
class Registry {
  readonly queried: string[] = [];
  answer: (topic: string) => Promise<number[]> = () => Promise.resolve([]);
  readonly known: string[] = [];
  readonly subscribers: Subscribers;
  readonly #handlers = new Map<string, (event: MetaEvent) => void>();
  isRefusing = false;

  constructor() {
    this.subscribers = new Subscribers({
      serialNumber: "SN-1",
      match: (uri) => {
        this.queried.push(uri);
        return this.answer(uri);
      },
      onKnown: (name) => this.known.push(`${name} ${this.subscribers.audience(name)}`),
      log: silentLog,
    });
  }

  async attach(): Promise<void> {
    await this.subscribers.attach({
      subscribe: (name, handler) => {
        if (this.isRefusing) return Promise.reject(new Error("no meta interface"));
        this.#handlers.set(name, handler);
        return Promise.resolve();
      },
    });
  }

  create(id: number, uri: string, { match }: { match?: string } = {}): void {
    this.send(routerEvents.subscriptionCreated, [1, match === undefined ? { id, uri } : { id, uri, match }]);
  }

  delete(id: number): void {
    this.send(routerEvents.subscriptionDeleted, [1, id]);
  }

  send(name: string, args: unknown[]): void {
    const handler = this.#handlers.get(name);
    assert.ok(handler, `${name} is subscribed`);
    handler({ args });
  }
}

Deno.test("a stream that starts while somebody listens has an audience, also with a prefix subscription", async () => {
  const registry = new Registry();
  registry.answer = () => Promise.resolve([17, 42]);
  const watched = registry.subscribers.watch(channel);
  assert.equal(registry.subscribers.audience(channel), "unknown");
  await watched;
  assert.equal(registry.subscribers.audience(channel), "some");
  assert.deepEqual(registry.queried, [topic]);
  assert.deepEqual(registry.known, [`${channel} some`]);
});

Deno.test("a router that cannot answer counts as nobody listening", async () => {
  const registry = new Registry();
  registry.answer = () => Promise.reject(new Error("no such procedure"));
  await registry.subscribers.watch(channel);
  assert.equal(registry.subscribers.audience(channel), "none");
});

Deno.test("a new subscription counts at once, and its end too", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.subscribers.watch(channel);
  assert.equal(registry.subscribers.audience(channel), "none");
  registry.create(88, topic, { match: "exact" });
  assert.equal(registry.subscribers.audience(channel), "some");
  registry.delete(88);
  await registry.subscribers.settled();
  assert.equal(registry.subscribers.audience(channel), "none");
});

Deno.test("a subscription before the stream is remembered, until it ends", async () => {
  const registry = new Registry();
  await registry.attach();
  registry.create(88, topic);
  assert.equal(registry.subscribers.audience(channel), "some");
  registry.delete(88);
  assert.equal(registry.subscribers.audience(channel), "none");
  assert.deepEqual(registry.queried, []);
});

Deno.test("the end of one of two subscriptions leaves an audience", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.subscribers.watch(channel);
  registry.create(88, topic, { match: "exact" });
  // The bridge of an appliance listens to everything.
  registry.answer = () => Promise.resolve([7]);
  registry.delete(88);
  assert.equal(registry.subscribers.audience(channel), "some");
  await registry.subscribers.settled();
  assert.equal(registry.subscribers.audience(channel), "some");
  registry.answer = () => Promise.resolve([]);
  registry.delete(7);
  await registry.subscribers.settled();
  assert.equal(registry.subscribers.audience(channel), "none");
});

Deno.test("a page that reloads keeps its logs, in whatever order its two events arrive", async () => {
  for (const order of ["delete first", "create first"]) {
    const registry = new Registry();
    await registry.attach();
    registry.answer = () => Promise.resolve([1]);
    await registry.subscribers.watch(channel);
    registry.answer = () => Promise.resolve([2]);
    const events = [() => registry.delete(1), () => registry.create(2, topic, { match: "exact" })];
    if (order === "create first") events.reverse();
    for (const event of events) event();
    await registry.subscribers.settled();
    assert.equal(registry.subscribers.audience(channel), "some", order);
  }
});

Deno.test("an answer older than an event does not undo it", async () => {
  const cases: { name: string; answer: number[]; event(registry: Registry): void; expected: string }[] = [
    { name: "created meanwhile", answer: [], event: (r) => r.create(5, topic, { match: "exact" }), expected: "some" },
    { name: "deleted meanwhile", answer: [5], event: (r) => r.delete(5), expected: "none" },
    { name: "one of two deleted", answer: [5, 6], event: (r) => r.delete(5), expected: "some" },
    {
      name: "created and deleted",
      answer: [],
      event: (r) => (r.create(5, topic, { match: "exact" }), r.delete(5)),
      expected: "none",
    },
  ];
  for (const { name, answer, event, expected } of cases) {
    const registry = new Registry();
    await registry.attach();
    const query = Promise.withResolvers<number[]>();
    registry.answer = () => query.promise;
    const watched = registry.subscribers.watch(channel);
    event(registry);
    // Later queries return the current state.
    registry.answer = () => Promise.resolve(expected === "some" ? [6] : []);
    query.resolve(answer);
    await watched;
    await registry.subscribers.settled();
    assert.equal(registry.subscribers.audience(channel), expected, name);
  }
});

Deno.test("a later prefix subscription makes every channel be queried", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.subscribers.watch(channel);
  await registry.subscribers.watch("dev_7_other");
  registry.queried.length = 0;
  registry.answer = (uri) => Promise.resolve(uri === topic ? [9] : []);
  registry.create(9, "reswarm.logs.", { match: "prefix" });
  await registry.subscribers.settled();
  assert.deepEqual(registry.queried.sort(), ["reswarm.logs.SN-1.dev_7_other", topic]);
  assert.equal(registry.subscribers.audience(channel), "some");
  assert.equal(registry.subscribers.audience("dev_7_other"), "none");
});

Deno.test("attach() subscribes to the events first, and then queries every channel again", async () => {
  const registry = new Registry();
  registry.answer = () => Promise.resolve([3]);
  await registry.attach();
  await registry.subscribers.watch(channel);
  assert.equal(registry.subscribers.audience(channel), "some");
  // The viewer left while the link was down.
  const order: string[] = [];
  registry.answer = () => {
    order.push("match");
    return Promise.resolve([]);
  };
  await registry.subscribers.attach({ subscribe: (name) => (order.push(name), Promise.resolve()) });
  assert.deepEqual(order, [routerEvents.subscriptionCreated, routerEvents.subscriptionDeleted, "match"]);
  assert.equal(registry.subscribers.audience(channel), "none");
});

Deno.test("attach() without a meta interface throws, after it has queried the channels", async () => {
  const registry = new Registry();
  await registry.subscribers.watch(channel);
  registry.answer = () => Promise.resolve([3]);
  registry.isRefusing = true;
  await assert.rejects(registry.attach(), /no meta interface/);
  assert.equal(registry.subscribers.audience(channel), "some");
});

Deno.test("serial numbers and app names with dots are matched as a whole", async () => {
  const registry = new Registry();
  await registry.attach();
  registry.create(1, "reswarm.logs.SN-1.prod_42_my.app", { match: "exact" });
  assert.equal(registry.subscribers.audience("prod_42_my.app"), "some");
  registry.create(2, "reswarm.logs.SN-1.x.prod_42_shop", { match: "exact" });
  assert.equal(registry.subscribers.audience(channel), "none");
});

Deno.test("foreign and malformed events change nothing", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.subscribers.watch(channel);
  registry.queried.length = 0;
  const uris = [
    "reswarm.logs",
    "reswarm.logs.",
    "reswarm.logs.SN-1",
    "reswarm.logs.SN-1.",
    "reswarm.logs.SN-2.x",
    "",
    "x",
  ];
  for (const uri of uris) registry.create(5, uri, { match: "exact" });
  const hostile = [[], [1], [1, null], [1, 5], [1, { id: "5", uri: topic }], [1, { id: -1, uri: topic }], [1, {
    id: 5,
  }], [1, []]];
  for (const args of hostile) registry.send(routerEvents.subscriptionCreated, args);
  for (const args of [[], [1], [1, "5"], [1, null], [1, {}], [1, -5], [1, 999]]) {
    registry.send(routerEvents.subscriptionDeleted, args);
  }
  await registry.subscribers.settled();
  assert.equal(registry.subscribers.audience(channel), "none");
  assert.deepEqual(registry.queried, []);
});

Deno.test("remembered subscriptions to unknown channels are limited", async () => {
  const registry = new Registry();
  await registry.attach();
  for (let id = 1; id <= 2_000; id += 1) registry.create(id, `reswarm.logs.SN-1.prod_${id}_x`, { match: "exact" });
  assert.equal(registry.subscribers.audience("prod_1_x"), "some");
  assert.equal(registry.subscribers.audience("prod_2000_x"), "none");
  // Its stream is queried when it starts.
  registry.answer = () => Promise.resolve([2_000]);
  await registry.subscribers.watch("prod_2000_x");
  assert.equal(registry.subscribers.audience("prod_2000_x"), "some");
});

Deno.test("forget() leaves no audience, also when an answer comes later", async () => {
  const registry = new Registry();
  const query = Promise.withResolvers<number[]>();
  registry.answer = () => query.promise;
  const watched = registry.subscribers.watch(channel);
  registry.subscribers.forget(channel);
  query.resolve([1]);
  await watched;
  assert.equal(registry.subscribers.audience(channel), "none");
});

Deno.test("many requests during a query cause one more query", async () => {
  const registry = new Registry();
  const query = Promise.withResolvers<number[]>();
  registry.answer = () => query.promise;
  const watches = Array.from({ length: 20 }, () => registry.subscribers.watch(channel));
  registry.answer = () => Promise.resolve([1]);
  query.resolve([]);
  await Promise.all(watches);
  assert.equal(registry.queried.length, 2);
  assert.equal(registry.subscribers.audience(channel), "some");
});
