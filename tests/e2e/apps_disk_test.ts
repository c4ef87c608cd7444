// box engine registry
import assert from "node:assert/strict";
import { sleep } from "../../scripts/testbed/wait.ts";
import { AppsFixture, container } from "./apps_fixture.ts";

Deno.test("apps on a full disk", async (t) => {
  await using fixture = await AppsFixture.start();
  await fixture.publish("1", { tickMs: 100 });
  await fixture.publish("2", { tickMs: 100 });
  await fixture.apps.reconcileLocal(new AbortController().signal);
  fixture.startObserving();

  await t.step("an image that does not fit is refused before anything is changed", async () => {
    fixture.pullSpace = { kind: "noSpace", neededBytes: 2048, freeBytes: 1024 };
    await fixture.requestUntil("RUNNING", "FAILED");
    assert.deepEqual(await fixture.tags(), []);
    fixture.pullSpace = { kind: "fits" };
    await fixture.removeAllApps();
  });

  await t.step("an app that an emergency has stopped is refused until it is over, and then runs again", async () => {
    await fixture.requestUntil("RUNNING", "RUNNING");
    fixture.isDiskFull = true;
    fixture.studio.clear();
    await fixture.engine.docker("stop", "-t", "10", container);
    await fixture.until("FAILED");
    await fixture.requestUntil("RUNNING", "FAILED");
    assert.equal(await fixture.status(), "exited");
    fixture.isDiskFull = false;
    fixture.studio.clear();
    fixture.apps.resume();
    await fixture.until("RUNNING");
    assert.equal(await fixture.status(), "running");
  });

  await t.step("a release on probation is not rolled back because an emergency stops it", async () => {
    await fixture.requestUntil("RUNNING", "RUNNING completed", { newest_version: "2", request_update: true });
    assert.ok(fixture.apps.diskUses()?.[0]?.versions.includes("1"));
    fixture.isDiskFull = true;
    fixture.studio.clear();
    await fixture.engine.docker("stop", "-t", "10", container);
    await fixture.until("FAILED completed");
    await sleep(1_500);
    fixture.isDiskFull = false;
    fixture.studio.clear();
    fixture.apps.resume();
    await fixture.until("RUNNING completed");
    assert.match(await fixture.engine.docker("inspect", "--format", "{{.Config.Image}}", container), /:2$/);
  });
  await fixture.removeAllApps();
});
