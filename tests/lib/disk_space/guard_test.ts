import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { ContainerUse } from "../../../lib/docker/engine_storage.ts";
import { DiskGuard } from "../../../lib/disk_space/guard.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";

const thresholds = { lowBytes: 300, emergencyBytes: 100 };

function container(id: string, given: Partial<ContainerUse> = {}): ContainerUse {
  return { id, names: [id], isRunning: true, image: "x:1", imageId: "sha256:1", labels: {}, ...given };
}

/** A guard and the switches around it. What happens is written down in order. */
class World {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  free: number | undefined = 1000;
  dataRoot: () => Promise<string> = () => Promise.resolve("/data");
  containers: (signal: AbortSignal) => Promise<ContainerUse[]> = () => Promise.resolve([]);
  stop: (id: string) => Promise<void> = () => Promise.resolve();
  cleanUp: (signal: AbortSignal) => Promise<void> = () => Promise.resolve();
  readonly guard = new DiskGuard({
    engine: {
      dataRoot: () => this.dataRoot(),
      stop: (id, { graceSeconds }) => {
        this.told.push(`stop ${id} ${graceSeconds}`);
        return this.stop(id);
      },
    },
    storage: { listContainers: (signal) => this.containers(signal) },
    readFreeBytes: (path) => {
      this.told.push(`read ${path}`);
      return Promise.resolve(this.free);
    },
    cleanUp: (dataRoot, signal) => {
      this.told.push(`clean ${dataRoot} ${this.guard.isEmergency}`);
      return this.cleanUp(signal);
    },
    onChange: (isEmergency) => this.told.push(`emergency ${isEmergency}`),
    thresholds,
    clock: this.clock,
    log: silentLog,
  });

  /** How often something has happened. */
  count(what: string): number {
    return this.told.filter((line) => line.startsWith(what)).length;
  }
}

/** Resolves when the signal ends. */
async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

Deno.test("a healthy disk is read at once and then every five minutes, and nothing else is done", async () => {
  const world = new World();
  await using guard = world.guard;
  guard.start();
  await world.clock.advance(0);
  assert.deepEqual(world.told, ["read /data"]);
  await world.clock.advance(299_999);
  assert.equal(world.count("read"), 1);
  await world.clock.advance(1);
  assert.equal(world.count("read"), 2);
  assert.equal(world.told.length, 2);
});

Deno.test("a low disk is cleaned up without an emergency, and read again after that", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 299;
  guard.start();
  await world.clock.advance(0);
  assert.deepEqual(world.told, ["read /data", "clean /data false", "read /data"]);
  // One that frees nothing is not repeated before its time.
  await world.clock.advance(299_999);
  assert.equal(world.count("clean"), 1);
  await world.clock.advance(1);
  assert.equal(world.count("clean"), 2);
});

Deno.test("look() has set the flag when it returns, before and without any clean-up", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 99;
  world.containers = async () => {
    world.told.push(`list ${guard.isEmergency}`);
    await Promise.resolve();
    return [];
  };
  world.cleanUp = untilAborted;
  await guard.look();
  assert.equal(guard.isEmergency, true);
  assert.deepEqual(world.told.slice(0, 2), ["read /data", "emergency true"]);
  assert.ok(world.told.includes("clean /data true") && world.told.includes("list true"));
});

Deno.test("an emergency is read every 5 s, is held below the upper threshold, and is over once", async () => {
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
  assert.deepEqual(world.told.filter((line) => line.startsWith("emergency")), ["emergency true", "emergency false"]);
});

Deno.test("what a clean-up frees counts at once", async () => {
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

Deno.test("a disk that fills up during a clean-up is an emergency at once, and is read every 5 s from then on", async () => {
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

Deno.test("each pass on a full disk stops what runs, but for the appliance; a held emergency stops nothing", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = 99;
  world.containers = () =>
    Promise.resolve([
      container("shop"),
      container("resting", { isRunning: false }),
      container("appliance", { labels: { "com.docker.compose.project": "ironflock-appliance" } }),
      container("other", { labels: { "com.docker.compose.project": "ironflock-appliance-2" } }),
    ]);
  world.stop = (id) => id === "shop" ? Promise.reject(new AgentError("timeout", "too slow")) : Promise.resolve();
  guard.start();
  await world.clock.advance(0);
  const stops = () => world.told.filter((line) => line.startsWith("stop"));
  assert.deepEqual(stops(), ["stop shop 10", "stop other 10"]);
  await world.clock.advance(5_000);
  assert.equal(stops().length, 4);
  world.free = 299;
  await world.clock.advance(60_000);
  assert.equal(stops().length, 4);
});

Deno.test("an engine that never answers holds up neither the flag nor its end, and is not asked twice at a time", async () => {
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

Deno.test("the usual folder stands in until the engine tells its own", async () => {
  const world = new World();
  await using guard = world.guard;
  world.dataRoot = () => Promise.reject(new AgentError("engine_unreachable", "not yet"));
  await guard.look();
  world.dataRoot = () => Promise.resolve("");
  await guard.look();
  world.dataRoot = () => Promise.resolve("/mnt/engine");
  await guard.look();
  world.dataRoot = () => Promise.reject(new AgentError("timeout", "wedged"));
  await guard.look();
  assert.deepEqual(
    world.told,
    ["/var/lib/docker", "/var/lib/docker", "/mnt/engine", "/mnt/engine"].map((path) => `read ${path}`),
  );
});

Deno.test("free space that cannot be read is no emergency, and ends one", async () => {
  const world = new World();
  await using guard = world.guard;
  world.free = undefined;
  await guard.look();
  assert.equal(guard.isEmergency, false);
  world.free = 0;
  await guard.look();
  assert.equal(guard.isEmergency, true);
  world.free = undefined;
  await guard.look();
  assert.equal(guard.isEmergency, false);
  assert.equal(await guard.readFreeBytes(), undefined);
});

Deno.test("disposing ends the loop and a clean-up in every situation", async () => {
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
