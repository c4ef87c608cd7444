import assert from "node:assert/strict";
import { silentLog } from "../../../lib/base/log.ts";
import { type MetaEvent, Subscribers } from "../../../lib/app_logs/subscribers.ts";
import { routerEvents } from "../../../lib/wamp/uris.ts";

const channel = "prod_42_shop";
const topic = `reswarm.logs.SN-1.${channel}`;

/** A router's subscription registry: what it would answer, and events in the order a test wants. */
class Registry {
  readonly asked: string[] = [];
  answer: (topic: string) => Promise<number[]> = () => Promise.resolve([]);
  readonly settled: string[] = [];
  readonly gate: Subscribers;
  readonly #handlers = new Map<string, (event: MetaEvent) => void>();
  isRefusing = false;

  constructor() {
    this.gate = new Subscribers({
      serialNumber: "SN-1",
      match: (asked) => {
        this.asked.push(asked);
        return this.answer(asked);
      },
      onSettled: (name) => this.settled.push(`${name} ${this.gate.state(name)}`),
      log: silentLog,
    });
  }

  async attach(): Promise<void> {
    await this.gate.attach({
      subscribe: (name, handler) => {
        if (this.isRefusing) return Promise.reject(new Error("no meta interface"));
        this.#handlers.set(name, handler);
        return Promise.resolve();
      },
    });
  }

  create(id: number, uri: string, match?: string): void {
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

Deno.test("a stream that starts while somebody listens opens its gate, also for a prefix subscription", async () => {
  const registry = new Registry();
  registry.answer = () => Promise.resolve([17, 42]);
  const watched = registry.gate.watch(channel);
  assert.equal(registry.gate.state(channel), "pending");
  await watched;
  assert.equal(registry.gate.state(channel), "open");
  assert.deepEqual(registry.asked, [topic]);
  assert.deepEqual(registry.settled, [`${channel} open`]);
});

Deno.test("a router that cannot tell counts as nobody listening", async () => {
  const registry = new Registry();
  registry.answer = () => Promise.reject(new Error("no such procedure"));
  await registry.gate.watch(channel);
  assert.equal(registry.gate.state(channel), "closed");
});

Deno.test("a subscription that comes opens the gate at once, and its end closes it", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.gate.watch(channel);
  assert.equal(registry.gate.state(channel), "closed");
  registry.create(88, topic, "exact");
  assert.equal(registry.gate.state(channel), "open");
  registry.delete(88);
  await registry.gate.settled();
  assert.equal(registry.gate.state(channel), "closed");
});

Deno.test("a subscription before the stream is remembered, and is forgotten when it ends before the stream starts", async () => {
  const registry = new Registry();
  await registry.attach();
  registry.create(88, topic);
  assert.equal(registry.gate.state(channel), "open");
  registry.delete(88);
  assert.equal(registry.gate.state(channel), "closed");
  assert.deepEqual(registry.asked, []);
});

Deno.test("the end of one of two subscriptions keeps the gate open", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.gate.watch(channel);
  registry.create(88, topic, "exact");
  // The bridge of an appliance listens to everything.
  registry.answer = () => Promise.resolve([7]);
  registry.delete(88);
  assert.equal(registry.gate.state(channel), "open");
  await registry.gate.settled();
  assert.equal(registry.gate.state(channel), "open");
  registry.answer = () => Promise.resolve([]);
  registry.delete(7);
  await registry.gate.settled();
  assert.equal(registry.gate.state(channel), "closed");
});

Deno.test("a page that reloads keeps its logs, in whatever order its two events arrive", async () => {
  for (const order of ["delete first", "create first"]) {
    const registry = new Registry();
    await registry.attach();
    registry.answer = () => Promise.resolve([1]);
    await registry.gate.watch(channel);
    registry.answer = () => Promise.resolve([2]);
    const events = [() => registry.delete(1), () => registry.create(2, topic, "exact")];
    if (order === "create first") events.reverse();
    for (const event of events) event();
    await registry.gate.settled();
    assert.equal(registry.gate.state(channel), "open", order);
  }
});

Deno.test("an answer that is older than an event does not undo it", async () => {
  const cases: { name: string; answer: number[]; event(registry: Registry): void; expected: string }[] = [
    { name: "created meanwhile", answer: [], event: (r) => r.create(5, topic, "exact"), expected: "open" },
    { name: "deleted meanwhile", answer: [5], event: (r) => r.delete(5), expected: "closed" },
    { name: "one of two deleted", answer: [5, 6], event: (r) => r.delete(5), expected: "open" },
    {
      name: "created and deleted",
      answer: [],
      event: (r) => (r.create(5, topic, "exact"), r.delete(5)),
      expected: "closed",
    },
  ];
  for (const { name, answer, event, expected } of cases) {
    const registry = new Registry();
    await registry.attach();
    const asked = Promise.withResolvers<number[]>();
    registry.answer = () => asked.promise;
    const watched = registry.gate.watch(channel);
    event(registry);
    // Questions after the first one see the truth.
    registry.answer = () => Promise.resolve(expected === "open" ? [6] : []);
    asked.resolve(answer);
    await watched;
    await registry.gate.settled();
    assert.equal(registry.gate.state(channel), expected, name);
  }
});

Deno.test("a prefix subscription that comes later is asked for on every channel", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.gate.watch(channel);
  await registry.gate.watch("dev_7_other");
  registry.asked.length = 0;
  registry.answer = (asked) => Promise.resolve(asked === topic ? [9] : []);
  registry.create(9, "reswarm.logs.", "prefix");
  await registry.gate.settled();
  assert.deepEqual(registry.asked.sort(), ["reswarm.logs.SN-1.dev_7_other", topic]);
  assert.equal(registry.gate.state(channel), "open");
  assert.equal(registry.gate.state("dev_7_other"), "closed");
});

Deno.test("a new session is listened to first, and asked anew for every channel", async () => {
  const registry = new Registry();
  registry.answer = () => Promise.resolve([3]);
  await registry.attach();
  await registry.gate.watch(channel);
  assert.equal(registry.gate.state(channel), "open");
  // The viewer left while the link was down.
  const order: string[] = [];
  registry.answer = () => {
    order.push("match");
    return Promise.resolve([]);
  };
  await registry.gate.attach({ subscribe: (name) => (order.push(name), Promise.resolve()) });
  assert.deepEqual(order, [routerEvents.subscriptionCreated, routerEvents.subscriptionDeleted, "match"]);
  assert.equal(registry.gate.state(channel), "closed");
});

Deno.test("attach() without a meta interface says so, after it has asked for the channels", async () => {
  const registry = new Registry();
  await registry.gate.watch(channel);
  registry.answer = () => Promise.resolve([3]);
  registry.isRefusing = true;
  await assert.rejects(registry.attach(), /no meta interface/);
  assert.equal(registry.gate.state(channel), "open");
});

Deno.test("serial numbers and app names with dots are matched whole", async () => {
  const registry = new Registry();
  await registry.attach();
  registry.create(1, "reswarm.logs.SN-1.prod_42_my.app", "exact");
  assert.equal(registry.gate.state("prod_42_my.app"), "open");
  registry.create(2, "reswarm.logs.SN-1.x.prod_42_shop", "exact");
  assert.equal(registry.gate.state(channel), "closed");
});

Deno.test("events that are none of ours, or none at all, change nothing", async () => {
  const registry = new Registry();
  await registry.attach();
  await registry.gate.watch(channel);
  registry.asked.length = 0;
  const uris = [
    "reswarm.logs",
    "reswarm.logs.",
    "reswarm.logs.SN-1",
    "reswarm.logs.SN-1.",
    "reswarm.logs.SN-2.x",
    "",
    "x",
  ];
  for (const uri of uris) registry.create(5, uri, "exact");
  const hostile = [[], [1], [1, null], [1, 5], [1, { id: "5", uri: topic }], [1, { id: -1, uri: topic }], [1, {
    id: 5,
  }], [1, []]];
  for (const args of hostile) registry.send(routerEvents.subscriptionCreated, args);
  for (const args of [[], [1], [1, "5"], [1, null], [1, {}], [1, -5], [1, 999]]) {
    registry.send(routerEvents.subscriptionDeleted, args);
  }
  await registry.gate.settled();
  assert.equal(registry.gate.state(channel), "closed");
  assert.deepEqual(registry.asked, []);
});

Deno.test("a flood of subscriptions to channels that do not exist is not remembered without end", async () => {
  const registry = new Registry();
  await registry.attach();
  for (let id = 1; id <= 2_000; id += 1) registry.create(id, `reswarm.logs.SN-1.prod_${id}_x`, "exact");
  assert.equal(registry.gate.state("prod_1_x"), "open");
  assert.equal(registry.gate.state("prod_2000_x"), "closed");
  // Its stream asks for itself when it starts.
  registry.answer = () => Promise.resolve([2_000]);
  await registry.gate.watch("prod_2000_x");
  assert.equal(registry.gate.state("prod_2000_x"), "open");
});

Deno.test("forget() closes the gate, and an answer that comes later does not open it", async () => {
  const registry = new Registry();
  const asked = Promise.withResolvers<number[]>();
  registry.answer = () => asked.promise;
  const watched = registry.gate.watch(channel);
  registry.gate.forget(channel);
  asked.resolve([1]);
  await watched;
  assert.equal(registry.gate.state(channel), "closed");
});

Deno.test("many wishes while an answer is awaited are one more question", async () => {
  const registry = new Registry();
  const asked = Promise.withResolvers<number[]>();
  registry.answer = () => asked.promise;
  const watches = Array.from({ length: 20 }, () => registry.gate.watch(channel));
  registry.answer = () => Promise.resolve([1]);
  asked.resolve([]);
  await Promise.all(watches);
  assert.equal(registry.asked.length, 2);
  assert.equal(registry.gate.state(channel), "open");
});
