import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Heartbeat } from "../../../lib/status/heartbeat.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

/** A heartbeat and the switches around it. */
class World {
  readonly clock = new FakeClock();
  beats = 0;
  isConnected = true;
  heardAt: number | undefined;
  readonly reconnects: string[] = [];
  report: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  readonly heartbeat = new Heartbeat({
    report: async (signal) => {
      this.beats += 1;
      await this.report(signal);
      this.heartbeat.noteFinished();
    },
    isConnected: () => this.isConnected,
    lastTrafficAt: () => this.heardAt,
    reconnect: (reason) => this.reconnects.push(reason),
    clock: this.clock,
    log: silentLog,
  });

  fail(): void {
    this.report = () => Promise.reject(new AgentError("timeout", "no answer"));
  }
}

Deno.test("the first beat comes after 30 s, the next 30 s after the end of the previous one", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  world.report = () => world.clock.sleep(5_000);
  heartbeat.restart();
  await world.clock.advance(29_999);
  assert.equal(world.beats, 0);
  await world.clock.advance(1);
  assert.equal(world.beats, 1);
  await world.clock.advance(34_999);
  assert.equal(world.beats, 1);
  await world.clock.advance(1);
  assert.equal(world.beats, 2);
});

Deno.test("two failed beats in a row without traffic from the router drop the link", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  world.fail();
  heartbeat.restart();
  await world.clock.advance(30_000);
  assert.deepEqual(world.reconnects, []);
  await world.clock.advance(30_000);
  assert.deepEqual(world.reconnects, ["2 heartbeats in a row failed"]);
});

Deno.test("a success between two failures resets the count", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  heartbeat.restart();
  for (const works of [false, true, false, true, false]) {
    if (works) world.report = () => Promise.resolve();
    else world.fail();
    await world.clock.advance(30_000);
  }
  assert.equal(world.beats, 5);
  assert.deepEqual(world.reconnects, []);
});

Deno.test("beats that fail although the router was heard are not the link's fault", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  world.report = () => {
    // The answer that the backend is away is traffic from the router.
    world.heardAt = world.clock.now();
    world.heartbeat.noteFinished();
    return Promise.reject(new AgentError("call_failed", "no such procedure"));
  };
  heartbeat.restart();
  for (let round = 0; round < 10; round += 1) await world.clock.advance(30_000);
  assert.equal(world.beats, 10);
  assert.deepEqual(world.reconnects, []);
});

Deno.test("traffic from before the beat does not count", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  world.fail();
  heartbeat.restart();
  for (let round = 0; round < 2; round += 1) {
    await world.clock.advance(29_000);
    world.heardAt = world.clock.now();
    await world.clock.advance(1_000);
  }
  assert.equal(world.reconnects.length, 1);
});

Deno.test("a beat while the link is down is skipped and resets the count", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  world.fail();
  heartbeat.restart();
  await world.clock.advance(30_000);
  world.isConnected = false;
  await world.clock.advance(30_000);
  assert.equal(world.beats, 1);
  world.isConnected = true;
  await world.clock.advance(30_000);
  assert.deepEqual(world.reconnects, []);
});

Deno.test("there is one loop, however often the link comes back", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  for (let round = 0; round < 5; round += 1) {
    heartbeat.restart();
    await world.clock.advance(1_000);
  }
  // The loop, and the watch over it.
  assert.equal(world.clock.sleeping, 2);
  await world.clock.advance(28_000);
  assert.equal(world.beats, 0);
  await world.clock.advance(1_000);
  assert.equal(world.beats, 1);
});

Deno.test("a newer connection ends a beat that hangs, and its failure does not count", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  world.fail();
  heartbeat.restart();
  await world.clock.advance(30_000);
  world.report = (signal) => world.clock.sleep(1e9, signal);
  await world.clock.advance(30_000);
  assert.equal(world.beats, 2);
  heartbeat.restart();
  world.fail();
  await world.clock.advance(30_000);
  assert.equal(world.beats, 3);
  assert.deepEqual(world.reconnects, []);
});

Deno.test("disposing ends the loop in every situation", async () => {
  for (const situation of ["never started", "waiting", "beating"]) {
    const world = new World();
    {
      await using heartbeat = world.heartbeat;
      world.report = (signal) => world.clock.sleep(1e9, signal);
      if (situation !== "never started") heartbeat.restart();
      if (situation === "beating") await world.clock.advance(30_000);
    }
    assert.equal(world.clock.sleeping, 0, situation);
  }
});

Deno.test("change 1.7: a beat that waited for another report in vain is no failure", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  heartbeat.restart();
  world.report = () => {
    // Something else is being reported, and answered.
    world.heartbeat.noteFinished();
    return Promise.reject(new AgentError("busy", "previous device status update still in flight"));
  };
  for (let round = 0; round < 10; round += 1) await world.clock.advance(30_000);
  assert.equal(world.beats, 10);
  assert.deepEqual(world.reconnects, []);
});

Deno.test("change 1.7: a link that answers no report for three intervals is dropped, whatever else it carries", async () => {
  const reason = "no status report was answered for 90 s";
  for (const kind of ["fails while the router is heard", "hangs"]) {
    const world = new World();
    await using heartbeat = world.heartbeat;
    world.report = (signal) => {
      if (kind === "hangs") return world.clock.sleep(1e9, signal);
      world.heardAt = world.clock.now();
      return Promise.reject(new AgentError("timeout", "no answer"));
    };
    heartbeat.restart();
    await world.clock.advance(89_999);
    assert.deepEqual(world.reconnects, [], kind);
    await world.clock.advance(1);
    assert.deepEqual(world.reconnects, [reason], kind);
    // Not again and again before a new connection is up.
    await world.clock.advance(80_000);
    assert.deepEqual(world.reconnects, [reason], kind);
  }
});

Deno.test("change 1.7: the watch begins again with every connection, and leaves a link alone that is down", async () => {
  const world = new World();
  await using heartbeat = world.heartbeat;
  world.report = (signal) => world.clock.sleep(1e9, signal);
  for (let round = 0; round < 3; round += 1) {
    heartbeat.restart();
    await world.clock.advance(80_000);
  }
  world.isConnected = false;
  await world.clock.advance(600_000);
  assert.deepEqual(world.reconnects, []);
});
