// box engine registry
import assert from "node:assert/strict";
import { AppsWorld } from "./apps_world.ts";

Deno.test("the life of an app", async (t) => {
  await using world = await AppsWorld.start();
  await world.publish("1", { prints: ["hello"], tickMs: 200 });
  await world.publish("2", { prints: ["hello again"], tickMs: 200 });

  await t.step("a first run pulls, starts and tells each step", async () => {
    assert.deepEqual(await world.askUntil("RUNNING", '"Now running app Shop (1)"'), [
      "LOGGER_CLEAR",
      '"Starting Shop..."',
      "STARTING",
      '"Initialising download for the app: Shop..."',
      "DOWNLOADING",
      '"Succesfully installed the app: Shop (Version: 1)"',
      "PRESENT",
      "RUNNING",
      '"Now running app Shop (1)"',
    ]);
    assert.equal(await world.status(), "running");
    assert.ok(world.studio.progress > 0);
  });

  await t.step("a stop removes the container and keeps the image", async () => {
    assert.deepEqual(await world.askUntil("PRESENT", '"Successfully stopped Shop"'), [
      "STOPPING",
      '"Received stop signal for Shop"',
      "PRESENT",
      '"Successfully stopped Shop"',
    ]);
    assert.equal(await world.status(), undefined);
    assert.deepEqual(await world.tags(), ["1"]);
  });

  await t.step("a second run downloads nothing", async () => {
    assert.deepEqual(await world.askUntil("RUNNING", '"Now running app Shop (1)"'), [
      '"Starting Shop..."',
      "STARTING",
      "RUNNING",
      '"Now running app Shop (1)"',
    ]);
  });

  await t.step("the same wish again is told, and changes nothing", async () => {
    const before = await world.engine.docker("inspect", "-f", "{{.Id}}", "prod_7_shop");
    assert.deepEqual(await world.askUntil("RUNNING", "RUNNING"), ["RUNNING"]);
    assert.equal(await world.engine.docker("inspect", "-f", "{{.Id}}", "prod_7_shop"), before);
  });

  await t.step("an update ends in the new version running, and takes the old image away", async () => {
    const told = await world.askUntil("RUNNING", '"Now running app Shop (2)"', {
      newest_version: "2",
      new_release_key: 8,
      request_update: true,
    });
    assert.deepEqual(told, [
      "UPDATING",
      '"Initialising download for the app: Shop..."',
      '"Succesfully installed the app: Shop (Version: 2)"',
      "PRESENT pending_remote_confirmation",
      '"Starting Shop..."',
      "STARTING completed",
      "RUNNING completed",
      '"Now running app Shop (2)"',
    ]);
    assert.equal(world.studio.reports.at(-1)?.releaseKey, 8);
    await world.until('"Now running app Shop (2)"');
  });

  await t.step("a removal takes container, images and rows", async () => {
    const told = await world.askUntil("REMOVED", '"Successfully removed Shop!"', { present_version: "2" });
    assert.deepEqual(told.map((entry) => entry.replace(" completed", "")), [
      '"Starting removal process for Shop..."',
      "DELETING",
      "REMOVED",
      '"Successfully removed Shop!"',
    ]);
    assert.equal(await world.status(), undefined);
    assert.deepEqual(await world.tags(), []);
    assert.deepEqual(world.apps.list(), []);
  });

  await t.step("an uninstall tells both ends", async () => {
    await world.askUntil("RUNNING", '"Now running app Shop (1)"');
    const told = await world.askUntil("UNINSTALLED", "UNINSTALLED");
    assert.deepEqual(told.filter((entry) => !entry.startsWith('"')), ["DELETING", "REMOVED", "UNINSTALLED"]);
    assert.deepEqual(world.apps.list(), []);
  });
});
