import assert from "node:assert/strict";
import { MessageQueue } from "../../../lib/app_logs/message_queue.ts";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A queue, what it has sent, and the switches around it. */
class World {
  readonly clock = new FakeClock();
  readonly sent: unknown[] = [];
  isConnected = true;
  /** The stored messages, by row. */
  readonly stored = new Map<number, string>();
  readonly released: number[] = [];
  droppedLines = 0;
  #rows = 0;
  publish: (payload: unknown) => Promise<void> = (payload) => {
    if (!this.isConnected) return Promise.reject(new AgentError("not_connected", "not connected"));
    this.sent.push(payload);
    return Promise.resolve();
  };
  readonly queue = new MessageQueue({
    publish: (payload) => this.publish(payload),
    isConnected: () => this.isConnected,
    store: {
      add: (chunk) => {
        this.stored.set(this.#rows += 1, chunk);
        return this.#rows;
      },
      remove: (row) => this.stored.delete(row),
      release: (row) => this.released.push(row),
    },
    onDropped: (lines) => this.droppedLines += lines,
    onShown: () => {},
    clock: this.clock,
    log: silentLog,
  });
}

function agentMessage(chunk: string) {
  return { type: "build", chunk } as const;
}

Deno.test("agent messages that wait for the link are stored until they are sent; log lines are not", async () => {
  const world = new World();
  world.queue.add(agentMessage("sent at once"));
  assert.deepEqual([...world.stored.values()], []);
  world.isConnected = false;
  world.queue.add(agentMessage("a"));
  world.queue.add("line");
  world.queue.add(agentMessage("b"));
  assert.deepEqual([...world.stored.values()], ["a", "b"]);
  world.isConnected = true;
  world.queue.send();
  await world.clock.advance(0);
  assert.deepEqual(world.sent, [agentMessage("sent at once"), agentMessage("a"), "line", agentMessage("b")]);
  assert.deepEqual([...world.stored.values()], []);
});

Deno.test("an agent message that the closing link refused is stored, and removed when it is dropped for another reason", async () => {
  const world = new World();
  world.publish = () => Promise.reject(new AgentError("not_connected", "not connected"));
  world.queue.add(agentMessage("a"));
  await world.clock.advance(0);
  assert.deepEqual([...world.stored.values()], ["a"]);
  world.publish = () => Promise.reject(new AgentError("io_failed", "too much waits"));
  world.queue.send();
  await world.clock.advance(0);
  assert.deepEqual([...world.stored.values()], []);
});

Deno.test("agent messages above the limit are removed from the store too, oldest first", () => {
  const world = new World();
  world.isConnected = false;
  for (let index = 0; index < 70; index += 1) world.queue.add(agentMessage(`${index}`));
  assert.deepEqual([...world.stored.values()], Array.from({ length: 64 }, (_, index) => `${index + 6}`));
});

Deno.test("end() leaves stored messages for the next queue, and restore() sends them before all others", async () => {
  const world = new World();
  world.isConnected = false;
  world.queue.add(agentMessage("a"));
  world.queue.add(agentMessage("b"));
  world.queue.end();
  assert.deepEqual([...world.stored], [[1, "a"], [2, "b"]]);
  assert.deepEqual(world.released, [1, 2]);
  world.queue.restore("late", 3);
  assert.deepEqual(world.released, [1, 2, 3]);

  const next = new World();
  next.isConnected = false;
  next.queue.add(agentMessage("c"));
  next.stored.set(7, "a").set(8, "b");
  next.queue.restore("b", 8);
  next.queue.restore("a", 7);
  next.isConnected = true;
  next.queue.send();
  await next.clock.advance(0);
  assert.deepEqual(next.sent, [agentMessage("a"), agentMessage("b"), agentMessage("c")]);
  assert.deepEqual([...next.stored], []);
});

Deno.test("agent messages sent after the router was last heard are sent again; earlier ones and lines are not", async () => {
  const world = new World();
  world.queue.add(agentMessage("confirmed"));
  await world.clock.advance(10);
  const lastHeardMs = world.clock.now();
  await world.clock.advance(10);
  world.queue.add("line");
  world.queue.add(agentMessage("unconfirmed"));
  await world.clock.advance(0);
  world.isConnected = false;
  world.queue.linkLost(lastHeardMs);
  assert.deepEqual([...world.stored.values()], ["unconfirmed"]);
  world.queue.linkLost(lastHeardMs);
  world.isConnected = true;
  world.queue.send();
  await world.clock.advance(0);
  assert.deepEqual(world.sent, [
    agentMessage("confirmed"),
    "line",
    agentMessage("unconfirmed"),
    agentMessage("unconfirmed"),
  ]);
  assert.deepEqual([...world.stored.values()], []);
});

Deno.test("#4: log lines that were sent on a silent link are sent again, in order and within a limit", async () => {
  const world = new World();
  world.queue.add("heard", { lines: 1 });
  await world.clock.advance(10);
  const heardFirstMs = world.clock.now();
  world.queue.add("a", { lines: 1 });
  world.queue.add(agentMessage("b"));
  await world.clock.advance(11_500);
  world.queue.add("c", { lines: 1 });
  await world.clock.advance(0);
  world.isConnected = false;
  world.queue.add("d", { lines: 1 });
  world.queue.linkLost(heardFirstMs);
  world.sent.length = 0;
  world.isConnected = true;
  world.queue.send();
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["a", agentMessage("b"), "c", "d"]);
  const large = "x".repeat(100_000);
  await world.clock.advance(10);
  const lastHeardMs = world.clock.now();
  for (let index = 0; index < 5; index += 1) world.queue.add(`${index}${large}`, { lines: 1 });
  await world.clock.advance(11_500);
  world.sent.length = 0;
  world.queue.linkLost(lastHeardMs);
  world.queue.send();
  await world.clock.advance(0);
  assert.deepEqual(world.sent.map((payload) => String(payload)[0]), ["3", "4"]);
  assert.equal(world.droppedLines, 0);
});

Deno.test("a dropped message is reported with the lines that it stands for", async () => {
  const world = new World();
  world.publish = () => Promise.reject(new AgentError("io_failed", "too much waits"));
  world.queue.add("one\ntwo\nthree", { lines: 3 });
  await world.queue.settled();
  assert.equal(world.droppedLines, 3);
  world.isConnected = false;
  for (let index = 0; index < 66; index += 1) world.queue.add("line", { lines: 1 });
  assert.equal(world.droppedLines, 5);
});

Deno.test("a slow link is never given more than 64 messages at a time, and gets all of them in order", async () => {
  const world = new World();
  const network = Promise.withResolvers<void>();
  world.publish = async (payload) => {
    world.sent.push(payload);
    await network.promise;
  };
  for (let index = 0; index < 100; index += 1) world.queue.add(`${index}`);
  assert.equal(world.sent.length, 64);
  network.resolve();
  await world.queue.settled();
  assert.deepEqual(world.sent, Array.from({ length: 100 }, (_, index) => `${index}`));
});
