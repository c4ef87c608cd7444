// box engine registry
import assert from "node:assert/strict";
import { sleep } from "../../scripts/testbed/wait.ts";
import { AppsWorld, container } from "./apps_world.ts";

Deno.test("apps on a disk that is full", async (t) => {
  await using world = await AppsWorld.start();
  await world.publish("1", { tickMs: 100 });
  await world.publish("2", { tickMs: 100 });
  await world.apps.reconcileLocal(new AbortController().signal);
  world.observe();

  await t.step("an image that does not fit is refused before anything is touched", async () => {
    world.room = { kind: "noSpace", neededBytes: 2048, freeBytes: 1024 };
    await world.askUntil("RUNNING", "FAILED");
    assert.deepEqual(await world.tags(), []);
    world.room = { kind: "fits" };
    await world.clean();
  });

  await t.step("what an emergency has stopped is refused until it is over, and runs again then", async () => {
    await world.askUntil("RUNNING", "RUNNING");
    world.isFull = true;
    world.studio.clear();
    await world.engine.docker("stop", "-t", "10", container);
    await world.until("FAILED");
    await world.askUntil("RUNNING", "FAILED");
    assert.equal(await world.status(), "exited");
    world.isFull = false;
    world.studio.clear();
    world.apps.resume();
    await world.until("RUNNING");
    assert.equal(await world.status(), "running");
  });

  await t.step("a release on probation that an emergency has stopped is not rolled back", async () => {
    await world.askUntil("RUNNING", "RUNNING completed", { newest_version: "2", request_update: true });
    assert.ok(world.apps.diskUses()?.[0]?.versions.includes("1"));
    world.isFull = true;
    world.studio.clear();
    await world.engine.docker("stop", "-t", "10", container);
    await world.until("FAILED completed");
    await sleep(1_500);
    world.isFull = false;
    world.studio.clear();
    world.apps.resume();
    await world.until("RUNNING completed");
    assert.match(await world.engine.docker("inspect", "--format", "{{.Config.Image}}", container), /:2$/);
  });
  await world.clean();
});
