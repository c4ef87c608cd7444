// box engine registry
/** How long apps get to stop. */

import assert from "node:assert/strict";
import type { AppRecipe } from "../../scripts/testbed/images.ts";
import { existsSync } from "../../lib/files/exists.ts";
import { AppsFixture, type RequestOptions } from "./apps_fixture.ts";

const running = '"Now running app Shop (1)"';

/** Writes a file when it has ended in order. */
function finishing(seconds: number, signal: string | number = "TERM"): AppRecipe {
  return { runs: `trap 'sleep ${seconds}; touch /shared/finished; exit 0' ${signal}` };
}

Deno.test("apps that are stopped", async (t) => {
  await using fixture = await AppsFixture.start();
  const finished = `${fixture.folder}/finished`;

  /** Starts the app, requests something, and returns whether it has ended in order, and after how many seconds. */
  const end = async (target: string, entry: string, fields: RequestOptions = {}) => {
    await fixture.requestUntil("RUNNING", running);
    if (existsSync(finished)) await Deno.remove(finished);
    fixture.studio.clear();
    const begun = performance.now();
    await fixture.request(target, fields);
    await fixture.until(entry, 40_000);
    return { isFinished: existsSync(finished), seconds: (performance.now() - begun) / 1000 };
  };

  await t.step("#8: an app that needs four seconds gets them, whatever it is stopped for", async () => {
    await fixture.publish("1", finishing(4));
    await fixture.publish("2");
    const update = { newest_version: "2", request_update: true };
    const cases: [target: string, entry: string, fields?: RequestOptions][] = [
      ["PRESENT", '"Successfully stopped Shop"'],
      ["RUNNING", '"Now running app Shop (2)"', update],
      ["REMOVED", '"Successfully removed Shop!"'],
      ["UNINSTALLED", "UNINSTALLED"],
    ];
    for (const [target, entry, fields] of cases) {
      const { isFinished, seconds } = await end(target, entry, fields);
      assert.ok(isFinished && seconds < 10, `${target}: ${isFinished}, ${seconds} s`);
      await fixture.removeAllApps();
    }
  });

  for (const [stopSignal, signal] of [["SIGUSR1", "USR1"], ["3", "QUIT"], ["SIGRTMIN+3", 37]] as const) {
    await t.step(`#8: an app that wants to be stopped by ${stopSignal} gets its time`, async () => {
      await fixture.publish("1", { ...finishing(3, signal), stopSignal });
      const { isFinished } = await end("PRESENT", '"Successfully stopped Shop"');
      assert.ok(isFinished);
      await fixture.removeAllApps();
    });
  }

  await t.step("#8: an app that does nothing about its signal is killed after a second", async () => {
    for (
      const recipe of [{ ignoresTerm: true }, { runs: "exec sleep 1000" }, { runs: "trap - TERM; exec sleep 1000" }]
    ) {
      await fixture.publish("1", recipe);
      const { seconds } = await end("PRESENT", '"Successfully stopped Shop"');
      assert.ok(seconds > 0.9 && seconds < 5, `${JSON.stringify(recipe)}: ${seconds} s`);
      await fixture.removeAllApps();
    }
  });

  await t.step("#8: an app whose image asks for more or less time gets that", async () => {
    for (const [timeout, needs, expected] of [[15, 11, true], [2, 6, false]] as const) {
      await fixture.publish("1", finishing(needs));
      await setStopTimeout(fixture, timeout);
      const { isFinished, seconds } = await end("PRESENT", '"Successfully stopped Shop"');
      assert.ok(isFinished === expected && seconds < 15, `${timeout}: ${isFinished}, ${seconds} s`);
      await fixture.removeAllApps();
    }
  });

  await t.step("#8: an app that takes its time does not hold up others", async () => {
    await fixture.publish("1", finishing(8));
    await fixture.requestUntil("RUNNING", running);
    await fixture.request("PRESENT");
    const other = { app_key: 8, app_name: "Fast", present_version: "1", newest_version: "1" };
    fixture.studio.clear();
    const begun = performance.now();
    await fixture.request("REMOVED", other);
    await fixture.until("REMOVED");
    assert.ok(performance.now() - begun < 3_000);
    await fixture.until('"Successfully stopped Shop"', 20_000);
    await fixture.removeAllApps();
  });
});

/** Makes the release one with a `StopTimeout`, which no Dockerfile can set. */
async function setStopTimeout(fixture: AppsFixture, seconds: number): Promise<void> {
  const image = `${fixture.registry.host}/apps/prod_amd64_7_shop:1`;
  await fixture.requestUntil("PRESENT", "PRESENT");
  await fixture.engine.docker("create", "--name", "base", "--stop-timeout", `${seconds}`, image);
  await fixture.engine.docker("commit", "base", image);
  await fixture.engine.docker("rm", "base");
  const timeout = await fixture.engine.docker("image", "inspect", "-f", "{{.Config.StopTimeout}}", image);
  assert.equal(timeout, `${seconds}`);
}
