// box engine registry
import assert from "node:assert/strict";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AppsWorld, container } from "./apps_world.ts";

const running = '"Now running app Shop (1)"';

/** Container id and start: the same as long as the app was left alone. */
async function lifeOf(world: AppsWorld): Promise<string> {
  return await world.engine.docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", container);
}

Deno.test("apps in trouble", async (t) => {
  await using world = await AppsWorld.start();
  await world.publish("1", { tickMs: 200 });
  await world.publish("2", { tickMs: 200 });
  await world.publish("big", { tickMs: 200, sizeMb: 150 });
  await world.publish("dies", { prints: ["no config"], exitCode: 3 });
  await world.publish("weak", { exitCode: 4, exitAfterMs: 1_500 });
  world.observe();

  await t.step("an app that exits right after its start is FAILED with its reason, and is tried again", async () => {
    await world.clean();
    const wish = { present_version: "dies", newest_version: "dies" };
    const told = await world.askUntil("RUNNING", '"Entered a crashloop (1st attempt), retrying in 5s"', wish);
    assert.deepEqual(told.slice(-5), [
      "PRESENT",
      '"The app failed to start, reason: the container has exited"',
      "FAILED",
      '"Shop (PROD) exited with status code: 3"',
      '"Entered a crashloop (1st attempt), retrying in 5s"',
    ]);
    world.studio.clear();
    await world.until('"Entered a crashloop (2nd attempt), retrying in 20s"');
    assert.deepEqual(world.studio.told.filter((entry) => !entry.startsWith('"')), ["STARTING", "FAILED"]);
  });

  await t.step("an app that exits later is seen, FAILED and tried again", async () => {
    await world.clean();
    const wish = { present_version: "weak", newest_version: "weak" };
    await world.askUntil("RUNNING", '"Now running app Shop (weak)"', wish);
    world.studio.clear();
    await world.until('"Entered a crashloop (1st attempt), retrying in 5s"');
    assert.deepEqual(world.studio.told, [
      "FAILED",
      '"Shop (PROD) exited with status code: 4"',
      '"Entered a crashloop (1st attempt), retrying in 5s"',
    ]);
  });

  await t.step("a wrong password of the registry is told", async () => {
    await world.clean();
    world.studio.token = "stranger";
    const told = await world.askUntil("RUNNING", "FAILED");
    assert.match(told.join("\n"), /\n"Error occured while trying to pull the image: .*unauthorized.*"\nFAILED/);
    assert.ok(!told.includes("DOWNLOADING"));
  });

  await t.step("an image that is not there is told", async () => {
    await world.clean();
    const told = await world.askUntil("RUNNING", "FAILED", { present_version: "9", newest_version: "9" });
    assert.match(told.join("\n"), /\n"Error occured while trying to pull the image: .*(not found|unknown).*"\nFAILED/);
  });

  await t.step("a download is canceled by a removal", async () => {
    await world.clean();
    const wish = { present_version: "big", newest_version: "big" };
    await world.askUntil("RUNNING", "DOWNLOADING", wish);
    const told = await world.askUntil("REMOVED", "REMOVED", { ...wish, cancel_transition: true });
    assert.deepEqual(told, ['"The app download was canceled"', "REMOVED"]);
    assert.deepEqual(world.apps.list(), []);
    assert.deepEqual(await world.tags(), []);
  });

  await t.step("a download is canceled by an uninstall, also without the flag", async () => {
    await world.clean();
    const wish = { present_version: "big", newest_version: "big" };
    await world.askUntil("PRESENT", "DOWNLOADING", wish);
    const told = await world.askUntil("UNINSTALLED", "UNINSTALLED", wish);
    assert.deepEqual(told, ['"The app download was canceled"', "REMOVED", "UNINSTALLED"]);
    assert.deepEqual(world.apps.list(), []);
  });

  await t.step(
    "an update without its image leaves the running app alone, and says when it is tried again",
    async () => {
      await world.askUntil("RUNNING", running);
      const life = await lifeOf(world);
      const told = await world.askUntil("RUNNING", "RUNNING", { newest_version: "9", request_update: true });
      assert.equal(told[0], "UPDATING");
      assert.match(told.at(-3) ?? "", /^"Error occured while trying to pull the image: /);
      assert.equal(told.at(-2), '"The update to version 9 will be tried again in 5 s"');
      assert.equal(await lifeOf(world), life);
      assert.equal(world.studio.reports.at(-1)?.updateStatus, "");
      world.studio.clear();
      await world.until("UPDATING");
      await world.until("RUNNING");
      assert.equal(await lifeOf(world), life);
      await world.clean();
    },
  );

  await t.step("a canceled update ends stopped on the old version", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    await world.askUntil("RUNNING", "UPDATING", { newest_version: "big", request_update: true });
    const told = await world.askUntil("PRESENT", '"Successfully stopped Shop"', {
      newest_version: "big",
      request_update: true,
    });
    assert.deepEqual(told.filter((entry) => !entry.startsWith('"Init')), [
      '"The update was canceled"',
      "STOPPING canceled",
      '"Received stop signal for Shop"',
      "PRESENT canceled",
      '"Successfully stopped Shop"',
    ]);
    await sleep(300);
    assert.equal(world.studio.told.includes("UPDATING canceled"), false, "the same version is left alone");
  });

  await t.step("a canceled update whose app is still wanted leaves it running", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    const life = await lifeOf(world);
    const wish = { newest_version: "big", request_update: true };
    await world.askUntil("RUNNING", "UPDATING", wish);
    const told = await world.askUntil("RUNNING", "RUNNING canceled", { ...wish, cancel_transition: true });
    assert.deepEqual(told.filter((entry) => !entry.startsWith('"Init')), [
      '"The update was canceled"',
      "RUNNING canceled",
    ]);
    assert.equal(await lifeOf(world), life);
  });

  await t.step("an uninstall during an update cancels it and goes through", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    await world.askUntil("RUNNING", "UPDATING", { newest_version: "big", request_update: true });
    const told = await world.askUntil("UNINSTALLED", "UNINSTALLED canceled");
    assert.deepEqual(told.filter((entry) => !entry.startsWith('"Init')), [
      '"The update was canceled"',
      '"Starting removal process for Shop..."',
      "DELETING canceled",
      "REMOVED canceled",
      '"Successfully removed Shop!"',
      "UNINSTALLED canceled",
    ]);
    assert.deepEqual(await world.tags(), []);
  });

  await t.step("what is asked during a transition is done after it, the last wish wins", async () => {
    await world.clean();
    world.studio.clear();
    await world.ask("RUNNING");
    await world.ask("PRESENT");
    await world.ask("RUNNING");
    await world.ask("PRESENT");
    await world.until('"Successfully stopped Shop"');
    assert.deepEqual(world.studio.told.filter((entry) => !entry.startsWith('"')), [
      ...["LOGGER_CLEAR", "STARTING", "DOWNLOADING", "PRESENT", "RUNNING", "STOPPING", "PRESENT"],
    ]);
  });

  await t.step("without a link an app with its image starts, crashes into the loop, stops and is removed", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    await world.askUntil("PRESENT", '"Successfully stopped Shop"');
    world.studio.isConnected = false;
    await world.askUntil("RUNNING", running);
    assert.deepEqual(world.studio.reports, []);
    await world.engine.docker("kill", container);
    await world.until('"Entered a crashloop (1st attempt), retrying in 5s"');
    world.studio.clear();
    await world.until(running);
    await world.askUntil("REMOVED", '"Successfully removed Shop!"');
    assert.deepEqual(world.apps.list(), []);
  });

  await t.step("a container that was removed by hand is put back", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    world.studio.clear();
    await world.engine.docker("rm", "-f", container);
    await world.until(running);
    assert.equal(await world.status(), "running");
  });

  await t.step("a paused app is left alone", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    world.studio.clear();
    await world.engine.docker("pause", container);
    await sleep(300);
    await world.engine.docker("unpause", container);
    await sleep(300);
    assert.deepEqual(world.studio.told, []);
  });

  await t.step("apps come back when the engine was restarted", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    world.studio.clear();
    await world.engine.restart();
    await world.until(running, 10_000);
    assert.equal(await world.status(), "running");
    await pollUntil("the state is told", () => {
      return Promise.resolve(world.studio.reports.at(-1)?.state === "RUNNING" || undefined);
    }, { limitMs: 5_000 });
  });

  await t.step("apps come back when the engine was killed", async () => {
    await world.clean();
    await world.askUntil("RUNNING", running);
    world.studio.clear();
    await world.engine.kill();
    await sleep(1_000);
    await world.engine.start();
    await world.until(running, 10_000);
    assert.equal(await world.status(), "running");
  });
});
