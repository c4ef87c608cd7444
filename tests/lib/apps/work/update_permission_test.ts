import assert from "node:assert/strict";
import type { ObservedApp } from "../../../../lib/apps/state/observed_app.ts";
import {
  awaitPermission,
  heldBackText,
  updateLockAgeMs,
  type UpdatePermissionContext,
} from "../../../../lib/apps/work/update_permission.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { FakeClock } from "../../../fakes/fake_clock.ts";

const running: ObservedApp = { containers: [{ id: "c", name: "prod_7_shop", status: "running" }], tags: ["1"] };
const project: ObservedApp = {
  ...{ containers: [], tags: [] },
  project: { services: [{ id: "s", name: "p-web-1", service: "web", number: 1, status: "running" }], images: {} },
};
const stopped: ObservedApp = { containers: [], tags: ["1"] };

class World {
  readonly clock = new FakeClock();
  readonly said: string[] = [];
  lockedAt: Date | undefined;
  observed = running;
  readonly life = new AbortController();
  isDone = false;

  context(): UpdatePermissionContext {
    return {
      app: {
        ...{ id: { appKey: 7, stage: "PROD" }, appName: "Shop", state: "UPDATING", target: "RUNNING", version: "1" },
        ...{ releaseKey: 1, requestorAccountKey: 0, requestUpdate: false, releaseBuild: false, updateStatus: "" },
      },
      names: { container: "prod_7_shop", repository: "r/shop", repositoryPrefix: "r/", project: "p" },
      appLogs: { say: (_: string, text: string) => void this.said.push(text) } as UpdatePermissionContext["appLogs"],
      readUpdateLock: () => Promise.resolve(this.lockedAt),
      observe: () => Promise.resolve(this.observed),
      clock: this.clock,
      log: silentLog,
    };
  }

  lock(ageMs: number): void {
    this.lockedAt = new Date(this.clock.wall().getTime() - ageMs);
  }

  async begin(): Promise<void> {
    void awaitPermission(this.context(), this.life.signal).then(() => this.isDone = true, () => {});
    await this.clock.advance(0);
  }
}

Deno.test("awaitPermission() lets an update through that nobody holds back, and says nothing", async () => {
  const cases: [name: string, prepare: (world: World) => void][] = [
    ["no file", () => {}],
    ["a file of yesterday", (world) => world.lock(updateLockAgeMs)],
    ["a file from a clock that was wrong", (world) => world.lock(-updateLockAgeMs)],
    ["an app that does not run", (world) => {
      world.lock(0);
      world.observed = stopped;
    }],
  ];
  for (const [name, prepare] of cases) {
    const world = new World();
    prepare(world);
    await world.begin();
    assert.ok(world.isDone, name);
    assert.deepEqual(world.said, [], name);
  }
});

Deno.test("awaitPermission() waits while the file is there, and says so once", async () => {
  for (const observed of [running, project]) {
    const world = new World();
    world.observed = observed;
    world.lock(1_000);
    await world.begin();
    await world.clock.advance(60_000);
    assert.deepEqual([world.isDone, world.said], [false, [heldBackText]]);
    world.lockedAt = undefined;
    await world.clock.advance(2_000);
    assert.ok(world.isDone);
  }
});

Deno.test("awaitPermission() ends when the file has become a day old, and when the app has ended", async () => {
  for (const end of ["age", "exit"] as const) {
    const world = new World();
    world.lock(updateLockAgeMs - 10_000);
    await world.begin();
    await world.clock.advance(5_000);
    assert.equal(world.isDone, false);
    if (end === "exit") world.observed = stopped;
    await world.clock.advance(end === "exit" ? 2_000 : 8_000);
    assert.ok(world.isDone, end);
  }
});

Deno.test("awaitPermission() ends with its signal, because a stop or a removal does not wait", async () => {
  const world = new World();
  world.lock(0);
  const waiting = awaitPermission(world.context(), world.life.signal);
  await world.clock.advance(4_000);
  world.life.abort();
  await assert.rejects(waiting, { code: "canceled" });
});
