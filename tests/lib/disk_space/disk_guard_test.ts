import assert from "node:assert/strict";
import { untilAborted } from "../../../lib/async/deadline.ts";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { ContainerUse } from "../../../lib/docker/engine_storage.ts";
import { DiskGuard } from "../../../lib/disk_space/disk_guard.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const thresholds = { lowBytes: 300, emergencyBytes: 100 };

function container(id: string, given: Partial<ContainerUse> = {}): ContainerUse {
  return { id, names: [id], isRunning: true, image: "x:1", imageId: "sha256:1", labels: {}, ...given };
}

/** A guard and the switches around it. Events are recorded in order. */
class World {
  readonly clock = new FakeClock();
  readonly events: string[] = [];
  free: number | undefined = 1000;
  dataRoot: () => Promise<string> = () => Promise.resolve("/data");
  containers: (signal: AbortSignal) => Promise<ContainerUse[]> = () => Promise.resolve([]);
  stop: (id: string) => Promise<void> = () => Promise.resolve();
  cleanUp: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  readonly guard = new DiskGuard({
    engine: {
      dataRoot: () => this.dataRoot(),
      stop: (id, { graceSeconds }) => {
        this.events.push(`stop ${id} ${graceSeconds}`);
        return this.stop(id);
      },
    },
    storage: { listContainers: (signal) => this.containers(signal) },
    readFreeBytes: (path) => {
      this.events.push(`read ${path}`);
      return Promise.resolve(this.free);
    },
    cleanUp: (dataRoot, signal) => {
      this.events.push(`clean ${dataRoot} ${this.guard.isEmergency}`);
      return this.cleanUp(signal);
    },
    onChange: (isEmergency) => this.events.push(`emergency ${isEmergency}`),
    thresholds,
    clock: this.clock,
    log: silentLog,
  });

  /** How many events start with `what`. */
  count(what: string): number {
    return this.events.filter((line) => line.startsWith(what)).length;
  }
}

Deno.test("a healthy disk is measured at once and then every five minutes, and nothing else happens", async () => {
  const world = new World();
  await using guard = world.guard;
  guard.start();
  await world.clock.advance(0);
  assert.deepEqual(world.events, ["read /data"]);
  await world.clock.advance(299_999);
  assert.equal(world.count("read"), 1);
  await world.clock.advance(1);
  assert.equal(world.count("read"), 2);
  assert.equal(world.events.length, 2);
});

Deno.test("a low disk is cleaned up without an emergency, and measured again after that", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 299;
  guard.start();
  await world.clock.advance(0);
  assert.deepEqual(world.events, ["read /data", "clean /data false", "read /data"]);
  // A clean-up that frees nothing is not repeated early.
  await world.clock.advance(299_999);
  assert.equal(world.count("clean"), 1);
  await world.clock.advance(1);
  assert.equal(world.count("clean"), 2);
});

Deno.test("M60: measure() has set isEmergency when it returns, without waiting for a clean-up", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 99;
  world.containers = async () => {
    world.events.push(`list ${guard.isEmergency}`);
    await Promise.resolve();
    return [];
  };
  world.cleanUp = untilAborted;
  await guard.measure();
  assert.equal(guard.isEmergency, true);
  assert.deepEqual(world.events.slice(0, 2), ["read /data", "emergency true"]);
  assert.ok(world.events.includes("clean /data true") && world.events.includes("list true"));
});

Deno.test("an emergency is measured every 5 s, lasts below the upper threshold, and ends once", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 99;
  guard.start();
  await world.clock.advance(0);
  assert.equal(guard.isEmergency, true);
  world.free = 299;
  const before = world.count("read");
  await world.clock.advance(5_000);
  assert.ok(world.count("read") > before);
  assert.equal(guard.isEmergency, true);
  world.free = 300;
  await world.clock.advance(5_000);
  assert.equal(guard.isEmergency, false);
  await world.clock.advance(600_000);
  assert.deepEqual(world.events.filter((line) => line.startsWith("emergency")), ["emergency true", "emergency false"]);
});

Deno.test("space that a clean-up frees counts at once", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 50;
  world.cleanUp = () => {
    world.free = 400;
    return Promise.resolve();
  };
  guard.start();
  await world.clock.advance(0);
  assert.equal(guard.isEmergency, false);
});

Deno.test("a disk that fills up during a clean-up is an emergency at once, and is measured every 5 s from then on", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 299;
  world.cleanUp = () => {
    world.free = 99;
    return Promise.resolve();
  };
  guard.start();
  await world.clock.advance(0);
  assert.equal(guard.isEmergency, true);
  world.free = 300;
  await world.clock.advance(5_000);
  assert.equal(guard.isEmergency, false);
});

Deno.test("a full disk stops running containers except those of the appliance; above the threshold nothing is stopped", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 99;
  world.containers = () =>
    Promise.resolve([
      container("shop"),
      container("idle", { isRunning: false }),
      container("appliance", { labels: { "com.docker.compose.project": "ironflock-appliance" } }),
      container("other", { labels: { "com.docker.compose.project": "ironflock-appliance-2" } }),
    ]);
  world.stop = (id) => id === "shop" ? Promise.reject(new AgentError("timeout", "too slow")) : Promise.resolve();
  guard.start();
  await world.clock.advance(0);
  const stops = () => world.events.filter((line) => line.startsWith("stop"));
  assert.deepEqual(stops(), ["stop shop 10", "stop other 10"]);
  await world.clock.advance(5_000);
  assert.equal(stops().length, 4);
  world.free = 299;
  await world.clock.advance(60_000);
  assert.equal(stops().length, 4);
});

Deno.test("an engine that never answers delays neither isEmergency nor the end, and gets one request at a time", async () => {
  const world = new World();
  await using guard = world.guard;
  let lists = 0;
  world.free = 99;
  world.containers = async (signal) => {
    lists += 1;
    await untilAborted(signal);
    throw new AgentError("canceled", "no answer");
  };
  world.cleanUp = untilAborted;
  guard.start();
  await world.clock.advance(0);
  assert.equal(guard.isEmergency, true);
  await world.clock.advance(10_000);
  assert.equal(lists, 1);
  assert.equal(world.count("clean"), 1);
  world.free = 300;
  await world.clock.advance(5_000);
  assert.equal(guard.isEmergency, false);
});

Deno.test("the default folder is measured until the engine reports its own", async () => {
  const world = new World();
  await using guard = world.guard;
  world.dataRoot = () => Promise.reject(new AgentError("engine_unreachable", "not yet"));
  await guard.measure();
  world.dataRoot = () => Promise.resolve("");
  await guard.measure();
  world.dataRoot = () => Promise.resolve("/mnt/engine");
  await guard.measure();
  world.dataRoot = () => Promise.reject(new AgentError("timeout", "wedged"));
  await guard.measure();
  assert.deepEqual(
    world.events,
    ["/var/lib/docker", "/var/lib/docker", "/mnt/engine", "/mnt/engine"].map((path) => `read ${path}`),
  );
});

Deno.test("unreadable free space is no emergency, and ends one", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = undefined;
  await guard.measure();
  assert.equal(guard.isEmergency, false);
  world.free = 0;
  await guard.measure();
  assert.equal(guard.isEmergency, true);
  world.free = undefined;
  await guard.measure();
  assert.equal(guard.isEmergency, false);
  assert.equal(await guard.readFreeBytes(), undefined);
});

Deno.test("disposing ends the loop and a clean-up in every condition", async () => {
  for (const free of [1000, 200, 50]) {
    const world = new World();
    {
      await using guard = world.guard;
      world.free = free;
      world.cleanUp = untilAborted;
      guard.start();
      await world.clock.advance(0);
    }
    assert.equal(world.clock.sleeping, 0, `${free}`);
  }
});
