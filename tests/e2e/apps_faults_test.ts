// box engine registry
import assert from "node:assert/strict";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AppsFixture, container } from "./apps_fixture.ts";

const running = '"Now running app Shop (1)"';

/** The container's id and start time, which stay the same while the app is left alone. */
async function runOf(fixture: AppsFixture): Promise<string> {
  return await fixture.engine.docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", container);
}

Deno.test("apps that fail, and requests that interrupt each other", async (t) => {
  await using fixture = await AppsFixture.start();
  await fixture.publish("1", { tickMs: 200 });
  await fixture.publish("2", { tickMs: 200 });
  await fixture.publish("big", { tickMs: 200, sizeMb: 150 });
  await fixture.publish("dies", { prints: ["no config"], exitCode: 3 });
  await fixture.publish("weak", { exitCode: 4, exitAfterMs: 1_500 });
  fixture.startObserving();

  await t.step(
    "M61: an app that exits right after its start is FAILED with a reason, and is started again",
    async () => {
      await fixture.removeAllApps();
      const fields = { present_version: "dies", newest_version: "dies" };
      const reported = await fixture.requestUntil(
        "RUNNING",
        '"Entered a crashloop (1st attempt), retrying in 5s"',
        fields,
      );
      assert.deepEqual(reported.slice(-5), [
        "PRESENT",
        '"The app failed to start, reason: the container has exited"',
        "FAILED",
        '"Shop (PROD) exited with status code: 3"',
        '"Entered a crashloop (1st attempt), retrying in 5s"',
      ]);
      fixture.studio.clear();
      await fixture.until('"Entered a crashloop (2nd attempt), retrying in 20s"');
      assert.deepEqual(fixture.studio.entries.filter((entry) => !entry.startsWith('"')), ["STARTING", "FAILED"]);
    },
  );

  await t.step("M53: an app that exits later is FAILED, and is started again", async () => {
    await fixture.removeAllApps();
    const fields = { present_version: "weak", newest_version: "weak" };
    await fixture.requestUntil("RUNNING", '"Now running app Shop (weak)"', fields);
    fixture.studio.clear();
    await fixture.until('"Entered a crashloop (1st attempt), retrying in 5s"');
    assert.deepEqual(fixture.studio.entries, [
      "FAILED",
      '"Shop (PROD) exited with status code: 4"',
      '"Entered a crashloop (1st attempt), retrying in 5s"',
    ]);
  });

  await t.step("a wrong registry password is reported", async () => {
    await fixture.removeAllApps();
    fixture.studio.token = "stranger";
    const reported = await fixture.requestUntil("RUNNING", "FAILED");
    assert.match(reported.join("\n"), /\n"Error occured while trying to pull the image: .*unauthorized.*"\nFAILED/);
    assert.ok(!reported.includes("DOWNLOADING"));
  });

  await t.step("a missing image is reported", async () => {
    await fixture.removeAllApps();
    const reported = await fixture.requestUntil("RUNNING", "FAILED", { present_version: "9", newest_version: "9" });
    assert.match(
      reported.join("\n"),
      /\n"Error occured while trying to pull the image: .*(not found|unknown).*"\nFAILED/,
    );
  });

  await t.step("a removal cancels a download", async () => {
    await fixture.removeAllApps();
    const fields = { present_version: "big", newest_version: "big" };
    await fixture.requestUntil("RUNNING", "DOWNLOADING", fields);
    const reported = await fixture.requestUntil("REMOVED", "REMOVED", { ...fields, cancel_transition: true });
    assert.deepEqual(reported, ['"The app download was canceled"', "REMOVED"]);
    assert.deepEqual(fixture.apps.list(), []);
    assert.deepEqual(await fixture.tags(), []);
  });

  await t.step("an uninstall cancels a download, even without the flag", async () => {
    await fixture.removeAllApps();
    const fields = { present_version: "big", newest_version: "big" };
    await fixture.requestUntil("PRESENT", "DOWNLOADING", fields);
    const reported = await fixture.requestUntil("UNINSTALLED", "UNINSTALLED", fields);
    assert.deepEqual(reported, ['"The app download was canceled"', "REMOVED", "UNINSTALLED"]);
    assert.deepEqual(fixture.apps.list(), []);
  });

  await t.step(
    "an update whose image is missing keeps the running app, and reports when it is retried",
    async () => {
      await fixture.requestUntil("RUNNING", running);
      const before = await runOf(fixture);
      const reported = await fixture.requestUntil("RUNNING", "RUNNING", { newest_version: "9", request_update: true });
      assert.equal(reported[0], "UPDATING");
      assert.match(reported.at(-3) ?? "", /^"Error occured while trying to pull the image: /);
      assert.equal(reported.at(-2), '"The update to version 9 will be tried again in 5 s"');
      assert.equal(await runOf(fixture), before);
      assert.equal(fixture.studio.reports.at(-1)?.updateStatus, "");
      fixture.studio.clear();
      await fixture.until("UPDATING");
      await fixture.until("RUNNING");
      assert.equal(await runOf(fixture), before);
      await fixture.removeAllApps();
    },
  );

  await t.step("M5: canceling an update with a stop leaves the old version stopped", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    await fixture.requestUntil("RUNNING", "UPDATING", { newest_version: "big", request_update: true });
    const reported = await fixture.requestUntil("PRESENT", '"Successfully stopped Shop"', {
      newest_version: "big",
      request_update: true,
    });
    assert.deepEqual(reported.filter((entry) => !entry.startsWith('"Init')), [
      '"The update was canceled"',
      "STOPPING canceled",
      '"Received stop signal for Shop"',
      "PRESENT canceled",
      '"Successfully stopped Shop"',
    ]);
    await sleep(300);
    assert.equal(fixture.studio.entries.includes("UPDATING canceled"), false, "the same version is left alone");
  });

  await t.step("canceling an update of an app that is to run leaves it running", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    const before = await runOf(fixture);
    const fields = { newest_version: "big", request_update: true };
    await fixture.requestUntil("RUNNING", "UPDATING", fields);
    const reported = await fixture.requestUntil("RUNNING", "RUNNING canceled", { ...fields, cancel_transition: true });
    assert.deepEqual(reported.filter((entry) => !entry.startsWith('"Init')), [
      '"The update was canceled"',
      "RUNNING canceled",
    ]);
    assert.equal(await runOf(fixture), before);
  });

  await t.step("an uninstall during an update cancels it and completes", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    await fixture.requestUntil("RUNNING", "UPDATING", { newest_version: "big", request_update: true });
    const reported = await fixture.requestUntil("UNINSTALLED", "UNINSTALLED canceled");
    assert.deepEqual(reported.filter((entry) => !entry.startsWith('"Init')), [
      '"The update was canceled"',
      '"Starting removal process for Shop..."',
      "DELETING canceled",
      "REMOVED canceled",
      '"Successfully removed Shop!"',
      "UNINSTALLED canceled",
    ]);
    assert.deepEqual(await fixture.tags(), []);
  });

  await t.step("a request during a transition is carried out after it; the last one wins", async () => {
    await fixture.removeAllApps();
    fixture.studio.clear();
    await fixture.request("RUNNING");
    await fixture.request("PRESENT");
    await fixture.request("RUNNING");
    await fixture.request("PRESENT");
    await fixture.until('"Successfully stopped Shop"');
    assert.deepEqual(fixture.studio.entries.filter((entry) => !entry.startsWith('"')), [
      ...["LOGGER_CLEAR", "STARTING", "DOWNLOADING", "PRESENT", "RUNNING", "STOPPING", "PRESENT"],
    ]);
  });

  await t.step("without a connection an installed app starts, crash-loops, stops and is removed", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    await fixture.requestUntil("PRESENT", '"Successfully stopped Shop"');
    fixture.studio.isConnected = false;
    await fixture.requestUntil("RUNNING", running);
    assert.deepEqual(fixture.studio.reports, []);
    await fixture.engine.docker("kill", container);
    await fixture.until('"Entered a crashloop (1st attempt), retrying in 5s"');
    fixture.studio.clear();
    await fixture.until(running);
    await fixture.requestUntil("REMOVED", '"Successfully removed Shop!"');
    assert.deepEqual(fixture.apps.list(), []);
  });

  await t.step("a container that was removed by hand is created again", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    fixture.studio.clear();
    await fixture.engine.docker("rm", "-f", container);
    await fixture.until(running);
    assert.equal(await fixture.status(), "running");
  });

  await t.step("a paused app is left alone", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    fixture.studio.clear();
    await fixture.engine.docker("pause", container);
    await sleep(300);
    await fixture.engine.docker("unpause", container);
    await sleep(300);
    assert.deepEqual(fixture.studio.entries, []);
  });

  await t.step("apps run again after a restart of the engine", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    fixture.studio.clear();
    await fixture.engine.restart();
    await fixture.until(running, 10_000);
    assert.equal(await fixture.status(), "running");
    await pollUntil("the state is reported", () => {
      return Promise.resolve(fixture.studio.reports.at(-1)?.state === "RUNNING" || undefined);
    }, { limitMs: 5_000 });
  });

  await t.step("apps run again after a kill of the engine", async () => {
    await fixture.removeAllApps();
    await fixture.requestUntil("RUNNING", running);
    fixture.studio.clear();
    await fixture.engine.kill();
    await sleep(1_000);
    await fixture.engine.start();
    await fixture.until(running, 10_000);
    assert.equal(await fixture.status(), "running");
  });
});
