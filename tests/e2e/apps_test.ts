// box engine registry
import assert from "node:assert/strict";
import { AppsFixture } from "./apps_fixture.ts";

Deno.test("the life of an app", async (t) => {
  await using fixture = await AppsFixture.start();
  await fixture.publish("1", { prints: ["hello"], tickMs: 200 });
  await fixture.publish("2", { prints: ["hello again"], tickMs: 200 });

  await t.step("a first run pulls, starts and reports each step", async () => {
    assert.deepEqual(await fixture.requestUntil("RUNNING", '"Now running app Shop (1)"'), [
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
    assert.equal(await fixture.status(), "running");
    assert.ok(fixture.studio.pullLines > 0);
  });

  await t.step("a stop removes the container and keeps the image", async () => {
    assert.deepEqual(await fixture.requestUntil("PRESENT", '"Successfully stopped Shop"'), [
      "STOPPING",
      '"Received stop signal for Shop"',
      "PRESENT",
      '"Successfully stopped Shop"',
    ]);
    assert.equal(await fixture.status(), undefined);
    assert.deepEqual(await fixture.tags(), ["1"]);
  });

  await t.step("a second run downloads nothing", async () => {
    assert.deepEqual(await fixture.requestUntil("RUNNING", '"Now running app Shop (1)"'), [
      '"Starting Shop..."',
      "STARTING",
      "RUNNING",
      '"Now running app Shop (1)"',
    ]);
  });

  await t.step("repeating a request is answered, and changes nothing", async () => {
    const before = await fixture.engine.docker("inspect", "-f", "{{.Id}}", "prod_7_shop");
    assert.deepEqual(await fixture.requestUntil("RUNNING", "RUNNING"), ["RUNNING"]);
    assert.equal(await fixture.engine.docker("inspect", "-f", "{{.Id}}", "prod_7_shop"), before);
  });

  await t.step("an update ends with the new version running", async () => {
    const reported = await fixture.requestUntil("RUNNING", '"Now running app Shop (2)"', {
      newest_version: "2",
      new_release_key: 8,
      request_update: true,
    });
    assert.deepEqual(reported, [
      "UPDATING",
      '"Initialising download for the app: Shop..."',
      '"Succesfully installed the app: Shop (Version: 2)"',
      "PRESENT pending_remote_confirmation",
      '"Starting Shop..."',
      "STARTING completed",
      "RUNNING completed",
      '"Now running app Shop (2)"',
    ]);
    assert.equal(fixture.studio.reports.at(-1)?.releaseKey, 8);
    await fixture.until('"Now running app Shop (2)"');
  });

  await t.step("a removal deletes container, images and rows", async () => {
    const reported = await fixture.requestUntil("REMOVED", '"Successfully removed Shop!"', { present_version: "2" });
    assert.deepEqual(reported.map((entry) => entry.replace(" completed", "")), [
      '"Starting removal process for Shop..."',
      "DELETING",
      "REMOVED",
      '"Successfully removed Shop!"',
    ]);
    assert.equal(await fixture.status(), undefined);
    assert.deepEqual(await fixture.tags(), []);
    assert.deepEqual(fixture.apps.list(), []);
  });

  await t.step("an uninstall reports REMOVED and UNINSTALLED", async () => {
    await fixture.requestUntil("RUNNING", '"Now running app Shop (1)"');
    const reported = await fixture.requestUntil("UNINSTALLED", "UNINSTALLED");
    assert.deepEqual(reported.filter((entry) => !entry.startsWith('"')), ["DELETING", "REMOVED", "UNINSTALLED"]);
    assert.deepEqual(fixture.apps.list(), []);
  });
});
