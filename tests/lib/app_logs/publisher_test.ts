import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { Audience } from "../../../lib/app_logs/subscribers.ts";
import { Publisher } from "../../../lib/app_logs/publisher.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A publisher, what it has published, and the switches around it. */
class World {
  readonly clock = new FakeClock();
  readonly sent: unknown[] = [];
  audience: Audience = "some";
  isConnected = true;
  isCongested = false;
  publish: (payload: unknown) => Promise<void> = (payload) => {
    if (!this.isConnected) return Promise.reject(new AgentError("not_connected", "not connected"));
    this.sent.push(payload);
    return Promise.resolve();
  };
  readonly publisher = new Publisher({
    publish: (payload) => this.publish(payload),
    audience: () => this.audience,
    isConnected: () => this.isConnected,
    isCongested: () => this.isCongested,
    onShown: () => {},
    store: { add: () => undefined, remove: () => {}, release: () => {} },
    clock: this.clock,
    log: silentLog,
  });
}

Deno.test("lines are sent together 200 ms after the first", async () => {
  const world = new World();
  world.publisher.addLine("a");
  await world.clock.advance(150);
  world.publisher.addLine("b");
  await world.clock.advance(49);
  assert.deepEqual(world.sent, []);
  await world.clock.advance(1);
  assert.deepEqual(world.sent, ["a\nb"]);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("lines without a listener are not sent, nor those whose listener has left", async () => {
  const world = new World();
  world.audience = "none";
  world.publisher.addLine("without a listener");
  assert.equal(world.clock.sleeping, 0);
  world.audience = "some";
  world.publisher.addLine("late");
  world.audience = "none";
  world.publisher.resume();
  await world.clock.advance(400);
  assert.deepEqual(world.sent, []);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("lines wait while the audience is unknown", async () => {
  const world = new World();
  world.audience = "unknown";
  world.publisher.addLine("first");
  await world.clock.advance(1_000);
  assert.deepEqual(world.sent, []);
  world.audience = "some";
  world.publisher.resume();
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["first"]);
});

Deno.test("a message is sent at once, after the lines that came before it", async () => {
  const world = new World();
  world.publisher.addLine("a");
  world.publisher.addMessage({ type: "build", chunk: "Stopped" });
  world.publisher.addLine("b");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["a", { type: "build", chunk: "Stopped" }]);
  await world.clock.advance(200);
  assert.deepEqual(world.sent.at(-1), "b");
});

Deno.test("messages are on the wire when addMessage() returns, so that no report overtakes them", () => {
  const world = new World();
  world.publisher.addLine("a");
  world.publisher.addMessage("m");
  world.publisher.addMessage("n");
  assert.deepEqual(world.sent, ["a", "m", "n"]);
  return world.publisher.end();
});

Deno.test("a message is sent although nobody listens", async () => {
  const world = new World();
  world.audience = "none";
  world.publisher.addMessage("m");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["m"]);
});

Deno.test("lines and messages that waited for the link are sent in order when it is back", async () => {
  const world = new World();
  world.isConnected = false;
  world.publisher.addLine("a");
  world.publisher.addMessage("m");
  world.publisher.addLine("b");
  await world.clock.advance(1_000);
  assert.deepEqual(world.sent, []);
  assert.equal(world.clock.sleeping, 0);
  world.isConnected = true;
  world.publisher.resume();
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["a", "m", "b"]);
});

Deno.test("a message that the closing link refused is sent again on the next link", async () => {
  const world = new World();
  const publish = world.publish;
  world.publish = () => Promise.reject(new AgentError("not_connected", "not connected"));
  world.publisher.addMessage("m");
  await world.clock.advance(0);
  world.publish = publish;
  world.publisher.resume();
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["m"]);
});

Deno.test("a message that is refused for another reason is dropped", async () => {
  const world = new World();
  const publish = world.publish;
  world.publish = () => Promise.reject(new AgentError("io_failed", "too much waits"));
  world.publisher.addMessage("m");
  await world.clock.advance(0);
  world.publish = publish;
  world.publisher.addMessage("n");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["n"]);
});

Deno.test("while the link is down only the newest messages are kept", async () => {
  const world = new World();
  world.isConnected = false;
  for (let index = 0; index < 500; index += 1) world.publisher.addMessage(`${index}`);
  world.isConnected = true;
  world.publisher.resume();
  await world.clock.advance(0);
  assert.equal(world.sent.length, 64);
  assert.deepEqual(world.sent.at(-1), "499");
});

Deno.test("the reader never waits for a slow network, and lines above the limits are counted", async () => {
  const world = new World();
  const network = Promise.withResolvers<void>();
  world.publish = async (payload) => {
    await network.promise;
    world.sent.push(payload);
  };
  for (let round = 0; round < 100; round += 1) {
    for (let index = 0; index < 100; index += 1) world.publisher.addLine("x".repeat(1_000));
    await world.clock.advance(200);
  }
  network.resolve();
  await world.clock.advance(200);
  const counted = world.sent.map((text) => {
    const lines = String(text).split("\n");
    const dropped = /^… (\d+) log/.exec(lines.at(-1) ?? "");
    return dropped === null ? lines.length : lines.length - 1 + Number(dropped[1]);
  });
  assert.equal(world.sent.length, 2);
  assert.equal(counted.reduce((sum, count) => sum + count, 0), 10_000);
});

/** How many lines arrived, and how many are missing according to the markers. */
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

Deno.test("a full message is sent at once while the link takes it, and nothing is dropped", async () => {
  const world = new World();
  for (let index = 0; index < 2_700; index += 1) world.publisher.addLine("x".repeat(99));
  await world.clock.advance(0);
  assert.equal(world.sent.length, 1);
  for (let index = 0; index < 8_000; index += 1) world.publisher.addLine("x".repeat(99));
  await world.clock.advance(0);
  assert.equal(world.sent.length, 4);
  await world.clock.advance(200);
  assert.equal(world.sent.length, 5);
  assert.deepEqual(count(world.sent), { came: 10_700, dropped: 0 });
  for (const text of world.sent) assert.ok(String(text).length < 262_144);
});

Deno.test("an agent message is sent after all earlier lines, however many messages they fill", () => {
  const world = new World();
  for (let index = 0; index < 8_000; index += 1) world.publisher.addLine("x".repeat(99));
  world.publisher.addMessage("m");
  assert.equal(world.sent.length, 5);
  assert.equal(world.sent.at(-1), "m");
  return world.publisher.end();
});

Deno.test("refused lines are counted in the next message", async () => {
  const world = new World();
  const publish = world.publish;
  world.publish = () => Promise.reject(new AgentError("io_failed", "too much waits"));
  for (const text of ["a", "b", "x".repeat(300_000)]) world.publisher.addLine(text);
  await world.clock.advance(200);
  world.publish = publish;
  world.publisher.addLine("c");
  await world.clock.advance(200);
  assert.deepEqual(count(world.sent), { came: 1, dropped: 3 });
});

Deno.test("lines are sent after a congestion; when it outlasts the pause, only the first message of them is", async () => {
  for (
    const { heldMs, came, dropped } of [{ heldMs: 150, came: 8_000, dropped: 0 }, {
      heldMs: 250,
      came: 2_595,
      dropped: 5_405,
    }]
  ) {
    const world = new World();
    world.isCongested = true;
    for (let index = 0; index < 7_999; index += 1) world.publisher.addLine("x".repeat(99));
    await world.clock.advance(heldMs);
    assert.deepEqual(world.sent, []);
    world.isCongested = false;
    world.publisher.addLine("x".repeat(99));
    await world.clock.advance(400);
    assert.deepEqual(count(world.sent), { came, dropped });
  }
});

Deno.test("for every pattern of congestion, arrived and counted lines add up to those printed", async () => {
  let seed = 31;
  const random = (limit: number) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  const world = new World();
  let printed = 0;
  for (let round = 0; round < 100; round += 1) {
    world.isCongested = random(3) > 0;
    for (let index = random(4_000); index >= 0; index -= 1, printed += 1) {
      world.publisher.addLine("x".repeat(random(300)));
    }
    await world.clock.advance(random(120));
  }
  world.isCongested = false;
  await world.clock.advance(2_000);
  const { came, dropped } = count(world.sent);
  assert.equal(came + dropped, printed);
  assert.ok(dropped > 1_000 && came > 1_000);
  for (const text of world.sent) assert.ok(new TextEncoder().encode(String(text)).length < 262_144 + 60);
});

Deno.test("lines wait while the link is congested; messages do not", async () => {
  const world = new World();
  world.isCongested = true;
  world.publisher.addLine("a");
  await world.clock.advance(1_000);
  world.publisher.addMessage("m");
  await world.clock.advance(0);
  assert.deepEqual(world.sent, ["m"]);
  world.isCongested = false;
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["m", "a"]);
});

Deno.test("flush() sends waiting lines without the pause", async () => {
  const world = new World();
  world.publisher.addLine("a");
  await world.publisher.flush(1_000);
  assert.deepEqual(world.sent, ["a"]);
  assert.equal(world.clock.sleeping, 0);
});

Deno.test("flush() resolves when there is nothing to send, nobody listens or the link is down", async () => {
  const world = new World();
  await world.publisher.flush(1_000);
  world.audience = "unknown";
  world.publisher.addLine("a");
  world.audience = "none";
  await world.publisher.flush(1_000);
  world.audience = "some";
  world.isConnected = false;
  world.publisher.addLine("b");
  await world.publisher.flush(1_000);
  world.isConnected = true;
  world.publisher.addLine("c");
  await world.clock.advance(200);
  assert.deepEqual(world.sent, ["b\nc"]);
});

Deno.test("end() drops what waits and takes nothing more", async () => {
  const world = new World();
  world.publisher.addLine("a");
  await world.publisher.end();
  world.publisher.addLine("b");
  world.publisher.addMessage("m");
  await world.clock.advance(400);
  assert.deepEqual(world.sent, []);
  assert.equal(world.clock.sleeping, 0);
});
