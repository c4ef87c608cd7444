import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { SubscribersState } from "../../../lib/app_logs/subscribers.ts";
import { Publisher } from "../../../lib/app_logs/publisher.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** The world around one outlet: what was published, and the switches a test turns. */
class World {
  readonly clock = new FakeClock();
  readonly sent: unknown[] = [];
  gate: SubscribersState = "open";
  isConnected = true;
  isCongested = false;
  /** What is kept on the disk, by row. */
  readonly kept = new Map<number, string>();
  readonly released: number[] = [];
  #rows = 0;
  publish: (payload: unknown) => Promise<void> = (payload) => {
    if (!this.isConnected) return Promise.reject(new AgentError("not_connected", "not connected"));
    this.sent.push(payload);
    return Promise.resolve();
  };
  readonly outlet = new Publisher({
    publish: (payload) => this.publish(payload),
    gate: () => this.gate,
    isConnected: () => this.isConnected,
    isCongested: () => this.isCongested,
    shelf: {
      keep: (chunk) => {
        this.kept.set(this.#rows += 1, chunk);
        return this.#rows;
      },
      drop: (row) => this.kept.delete(row),
      release: (row) => this.released.push(row),
    },
    clock: this.clock,
    log: silentLog,
  });
}

Deno.test("lines leave together 200 ms after the first", async () => {
  const world = new World();
  world.outlet.addLine("a");
  await world.clock.advance(150);
  world.outlet.addLine("b");
  await world.clock.advance(49);
  assert.deepEqual(world.sent, []);
  await world.clock.advance(1);
  assert.deepEqual(world.sent, ["a\nb"]);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("lines that nobody listens to are not sent, nor those whose listener left", async () => {
  const world = new World();
  world.gate = "closed";
  world.outlet.addLine("unheard");
  assert.equal(world.clock.sleeping, 0);
  world.gate = "open";
  world.outlet.addLine("late");
  world.gate = "closed";
  world.outlet.resume();
  await world.clock.advance(400);
  assert.deepEqual(world.sent, []);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("lines wait while the gate is being asked for", async () => {
  const world = new World();
  world.gate = "pending";
  world.outlet.addLine("first");
  await world.clock.advance(1_000);
  assert.deepEqual(world.sent, []);
  world.gate = "open";
  world.outlet.resume();
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["first"]);
});

Deno.test("a message leaves at once, behind the lines that came before it", async () => {
  const world = new World();
  world.outlet.addLine("a");
  world.outlet.addMessage({ type: "build", chunk: "Stopped" });
  world.outlet.addLine("b");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["a", { type: "build", chunk: "Stopped" }]);
  await world.clock.advance(200);
  assert.deepEqual(world.sent.at(-1), "b");
});

Deno.test("messages are on the wire when addMessage() returns, so that no report overtakes them", () => {
  const world = new World();
  world.outlet.addLine("a");
  world.outlet.addMessage("m");
  world.outlet.addMessage("n");
  assert.deepEqual(world.sent, ["a", "m", "n"]);
  return world.outlet.end();
});

Deno.test("a message leaves although nobody listens", async () => {
  const world = new World();
  world.gate = "closed";
  world.outlet.addMessage("m");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["m"]);
});

Deno.test("what waits while the link is down leaves in order when it is back", async () => {
  const world = new World();
  world.isConnected = false;
  world.outlet.addLine("a");
  world.outlet.addMessage("m");
  world.outlet.addLine("b");
  await world.clock.advance(1_000);
  assert.deepEqual(world.sent, []);
  assert.equal(world.clock.sleeping, 0);
  world.isConnected = true;
  world.outlet.resume();
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["a", "m", "b"]);
});

Deno.test("a message that the closing link refused is sent again on the next one", async () => {
  const world = new World();
  const usual = world.publish;
  world.publish = () => Promise.reject(new AgentError("not_connected", "not connected"));
  world.outlet.addMessage("m");
  await world.clock.advance(0);
  world.publish = usual;
  world.outlet.resume();
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["m"]);
});

Deno.test("a message that is refused for another reason is given up", async () => {
  const world = new World();
  const usual = world.publish;
  world.publish = () => Promise.reject(new AgentError("io_failed", "too much waits"));
  world.outlet.addMessage("m");
  await world.clock.advance(0);
  world.publish = usual;
  world.outlet.addMessage("n");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["n"]);
});

Deno.test("while the link is down the newest messages are kept, and not more", async () => {
  const world = new World();
  world.isConnected = false;
  for (let index = 0; index < 500; index += 1) world.outlet.addMessage(`${index}`);
  world.isConnected = true;
  world.outlet.resume();
  await world.clock.advance(0);
  assert.equal(world.sent.length, 64);
  assert.deepEqual(world.sent.at(-1), "499");
});

Deno.test("the reader never waits for a slow network, and what passes the limits is counted", async () => {
  const world = new World();
  const gate = Promise.withResolvers<void>();
  world.publish = async (payload) => {
    await gate.promise;
    world.sent.push(payload);
  };
  for (let round = 0; round < 100; round += 1) {
    for (let index = 0; index < 100; index += 1) world.outlet.addLine("x".repeat(1_000));
    await world.clock.advance(200);
  }
  gate.resolve();
  await world.clock.advance(200);
  const counted = world.sent.map((text) => {
    const lines = String(text).split("\n");
    const dropped = /^… (\d+) log/.exec(lines.at(-1) ?? "");
    return dropped === null ? lines.length : lines.length - 1 + Number(dropped[1]);
  });
  assert.equal(world.sent.length, 2);
  assert.equal(counted.reduce((sum, count) => sum + count, 0), 10_000);
});

/** How many lines came, and how many the markers say are missing. */
function count(sent: readonly unknown[]): { came: number; dropped: number } {
  let [came, dropped] = [0, 0];
  for (const text of sent) {
    const lines = String(text).split("\n");
    const marker = /^… (\d+) log line\(s\) dropped \(rate limit\)$/.exec(lines.at(-1) ?? "");
    came += marker === null ? lines.length : lines.length - 1;
    dropped += Number(marker?.[1] ?? 0);
  }
  return { came, dropped };
}

Deno.test("a full message leaves at once while the link takes it, and nothing is dropped", async () => {
  const world = new World();
  for (let index = 0; index < 2_700; index += 1) world.outlet.addLine("x".repeat(99));
  await world.clock.advance(0);
  assert.equal(world.sent.length, 1);
  for (let index = 0; index < 8_000; index += 1) world.outlet.addLine("x".repeat(99));
  await world.clock.advance(0);
  assert.equal(world.sent.length, 4);
  await world.clock.advance(200);
  assert.equal(world.sent.length, 5);
  assert.deepEqual(count(world.sent), { came: 10_700, dropped: 0 });
  for (const text of world.sent) assert.ok(String(text).length < 262_144);
});

Deno.test("a message of the agent leaves behind all lines before it, however many messages they fill", () => {
  const world = new World();
  for (let index = 0; index < 8_000; index += 1) world.outlet.addLine("x".repeat(99));
  world.outlet.addMessage("m");
  assert.equal(world.sent.length, 5);
  assert.equal(world.sent.at(-1), "m");
  return world.outlet.end();
});

Deno.test("lines that were refused are counted in the next message", async () => {
  const world = new World();
  const usual = world.publish;
  world.publish = () => Promise.reject(new AgentError("io_failed", "too much waits"));
  for (const text of ["a", "b", "x".repeat(300_000)]) world.outlet.addLine(text);
  await world.clock.advance(200);
  world.publish = usual;
  world.outlet.addLine("c");
  await world.clock.advance(200);
  assert.deepEqual(count(world.sent), { came: 1, dropped: 3 });
});

Deno.test("lines behind a congested link leave when it is free; after a whole pause only the first message of them does", async () => {
  for (
    const { heldMs, came, dropped } of [{ heldMs: 150, came: 8_000, dropped: 0 }, {
      heldMs: 250,
      came: 2_621,
      dropped: 5_379,
    }]
  ) {
    const world = new World();
    world.isCongested = true;
    for (let index = 0; index < 7_999; index += 1) world.outlet.addLine("x".repeat(99));
    await world.clock.advance(heldMs);
    assert.deepEqual(world.sent, []);
    world.isCongested = false;
    world.outlet.addLine("x".repeat(99));
    await world.clock.advance(400);
    assert.deepEqual(count(world.sent), { came, dropped });
  }
});

Deno.test("for every link that is congested now and then, what came and what the markers say is what was printed", async () => {
  let seed = 31;
  const random = (limit: number) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  const world = new World();
  let printed = 0;
  for (let round = 0; round < 100; round += 1) {
    world.isCongested = random(3) > 0;
    for (let index = random(4_000); index >= 0; index -= 1, printed += 1) world.outlet.addLine("x".repeat(random(300)));
    await world.clock.advance(random(120));
  }
  world.isCongested = false;
  await world.clock.advance(2_000);
  const { came, dropped } = count(world.sent);
  assert.equal(came + dropped, printed);
  assert.ok(dropped > 1_000 && came > 1_000);
  for (const text of world.sent) assert.ok(new TextEncoder().encode(String(text)).length < 262_144 + 60);
});

Deno.test("lines are held back while the link is congested; messages are not", async () => {
  const world = new World();
  world.isCongested = true;
  world.outlet.addLine("a");
  await world.clock.advance(1_000);
  world.outlet.addMessage("m");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["m"]);
  world.isCongested = false;
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["m", "a"]);
});

Deno.test("flush() sends what waits without the pause", async () => {
  const world = new World();
  world.outlet.addLine("a");
  await world.outlet.flush(1_000);
  assert.deepEqual(world.sent, ["a"]);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("flush() returns when there is nothing to send, nobody listens or the link is down", async () => {
  const world = new World();
  await world.outlet.flush(1_000);
  world.gate = "pending";
  world.outlet.addLine("a");
  world.gate = "closed";
  await world.outlet.flush(1_000);
  world.gate = "open";
  world.isConnected = false;
  world.outlet.addLine("b");
  await world.outlet.flush(1_000);
  world.isConnected = true;
  world.outlet.addLine("c");
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["b\nc"]);
});

Deno.test("end() drops what waits and takes nothing more", async () => {
  const world = new World();
  world.outlet.addLine("a");
  await world.outlet.end();
  world.outlet.addLine("b");
  world.outlet.addMessage("m");
  await world.clock.advance(400);
  assert.deepEqual(world.sent, []);
  assert.equal(world.clock.sleeping, 0);
});

function said(chunk: string) {
  return { type: "build", chunk } as const;
}

Deno.test("words of the agent that wait for the link are kept until they are sent; lines of streams are not", async () => {
  const world = new World();
  world.outlet.addMessage(said("sent at once"));
  assert.deepEqual([...world.kept.values()], []);
  world.isConnected = false;
  world.outlet.addMessage(said("a"));
  world.outlet.addMessage("line");
  world.outlet.addMessage(said("b"));
  assert.deepEqual([...world.kept.values()], ["a", "b"]);
  world.isConnected = true;
  world.outlet.resume();
  await world.clock.advance(0);
  assert.deepEqual(world.sent, [said("sent at once"), said("a"), "line", said("b")]);
  assert.deepEqual([...world.kept.values()], []);
});

Deno.test("a word that the closing link refused is kept, and dropped when it is given up for another reason", async () => {
  const world = new World();
  world.publish = () => Promise.reject(new AgentError("not_connected", "not connected"));
  world.outlet.addMessage(said("a"));
  await world.clock.advance(0);
  assert.deepEqual([...world.kept.values()], ["a"]);
  world.publish = () => Promise.reject(new AgentError("io_failed", "too much waits"));
  world.outlet.resume();
  await world.clock.advance(0);
  assert.deepEqual([...world.kept.values()], []);
});

Deno.test("words above the limit are dropped from the disk too, oldest first", () => {
  const world = new World();
  world.isConnected = false;
  for (let index = 0; index < 70; index += 1) world.outlet.addMessage(said(`${index}`));
  assert.deepEqual([...world.kept.values()], Array.from({ length: 64 }, (_, index) => `${index + 6}`));
});

Deno.test("end() leaves kept words on the disk for who comes next, and restore() sends them before all others", async () => {
  const world = new World();
  world.isConnected = false;
  world.outlet.addMessage(said("a"));
  world.outlet.addMessage(said("b"));
  await world.outlet.end();
  assert.deepEqual([...world.kept], [[1, "a"], [2, "b"]]);
  assert.deepEqual(world.released, [1, 2]);
  world.outlet.restore("late", 3);
  assert.deepEqual(world.released, [1, 2, 3]);

  const next = new World();
  next.isConnected = false;
  next.outlet.addMessage(said("c"));
  next.kept.set(7, "a").set(8, "b");
  next.outlet.restore("b", 8);
  next.outlet.restore("a", 7);
  next.isConnected = true;
  next.outlet.resume();
  await next.clock.advance(0);
  assert.deepEqual(next.sent, [said("a"), said("b"), said("c")]);
  assert.deepEqual([...next.kept], []);
});

Deno.test("words that left after the router was last heard are sent again; those before, and lines, are not", async () => {
  const world = new World();
  world.outlet.addMessage(said("heard"));
  await world.clock.advance(10);
  const heardMs = world.clock.now();
  await world.clock.advance(10);
  world.outlet.addMessage("line");
  world.outlet.addMessage(said("unheard"));
  await world.clock.advance(0);
  world.isConnected = false;
  world.outlet.lose(heardMs);
  assert.deepEqual([...world.kept.values()], ["unheard"]);
  world.outlet.lose(heardMs);
  world.isConnected = true;
  world.outlet.resume();
  await world.clock.advance(0);
  assert.deepEqual(world.sent, [said("heard"), "line", said("unheard"), said("unheard")]);
  assert.deepEqual([...world.kept.values()], []);
});
