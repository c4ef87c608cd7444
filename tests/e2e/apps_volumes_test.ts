// box engine registry
/** The volumes that images declare: their data outlives containers, and nothing of them is left of a removed app. */

import assert from "node:assert/strict";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import type { AppRecipe } from "../../scripts/testbed/images.ts";
import { AppsFixture, container } from "./apps_fixture.ts";

const running = '"Now running app Shop (1)"';
const stopped = '"Successfully stopped Shop"';

/** Counts its starts in a volume. */
function counting(volume: string, rest: AppRecipe = {}): AppRecipe {
  const runs = `n=$(cat ${volume}/n || echo 0); n=$((n+1)); echo $n >${volume}/n; echo $n >/shared/count`;
  return { volumes: [volume], runs, ...rest };
}

async function count(fixture: AppsFixture): Promise<string> {
  return (await Deno.readTextFile(`${fixture.folder}/count`)).trim();
}

async function untilCount(fixture: AppsFixture, expected: string): Promise<void> {
  await pollUntil(`start ${expected}`, async () => await count(fixture) === expected || undefined, { limitMs: 20_000 });
}

async function volumes(fixture: AppsFixture): Promise<string[]> {
  return (await fixture.engine.docker("volume", "ls", "--quiet")).split("\n").filter((name) => name !== "");
}

Deno.test("volumes that images declare", async (t) => {
  await using fixture = await AppsFixture.start();
  await fixture.publish("1", counting("/state/"));
  await fixture.publish("2", counting("/state"));
  await fixture.publish("3", counting("/other", { volumes: ["/other", "/data", "/data/inner"] }));
  await fixture.publish("dies", counting("/state", { exitCode: 3 }));
  await fixture.publish("relative", counting("/state", { volumes: ["state", "data", "/data/env"] }));
  await fixture.engine.docker("volume", "create", "somebodys");

  await t.step("#1: the data goes on over stops, a kill, a restart of the agent and an update", async () => {
    await fixture.requestUntil("RUNNING", running);
    for (const _ of [1, 2, 3]) {
      await fixture.requestUntil("PRESENT", stopped);
      await fixture.requestUntil("RUNNING", running);
    }
    assert.deepEqual([await count(fixture), (await volumes(fixture)).length], ["4", 2]);
    fixture.startObserving();
    await fixture.engine.docker("kill", container);
    await untilCount(fixture, "5");
    await fixture.restartAgent();
    await fixture.requestUntil("PRESENT", stopped);
    await fixture.requestUntil("RUNNING", running);
    await fixture.requestUntil("RUNNING", '"Now running app Shop (2)"', { newest_version: "2", request_update: true });
    assert.deepEqual([await count(fixture), (await volumes(fixture)).length], ["7", 2]);
  });

  await t.step("#1: a release that dies is replaced by the one before, with its data", async () => {
    fixture.startObserving();
    const update = { present_version: "2", newest_version: "dies", request_update: true };
    // Version 2 has not run for a minute yet.
    await fixture.requestUntil("RUNNING", running, update);
    assert.deepEqual([await count(fixture), (await volumes(fixture)).length], ["9", 2]);
  });

  await t.step("#1: a release that declares other paths gets new volumes for them; what is mounted stays", async () => {
    const update = { present_version: "2", newest_version: "3", request_update: true };
    await fixture.requestUntil("RUNNING", '"Now running app Shop (3)"', update);
    const format =
      '{{range .Mounts}}{{if or (eq .Destination "/data") (eq .Type "volume")}}{{.Type}}:{{.Destination}} {{end}}{{end}}';
    const mounts = (await fixture.engine.docker("inspect", "-f", format, container)).trim().split(" ").sort();
    assert.deepEqual(mounts, ["bind:/data", "volume:/data/inner", "volume:/other"]);
    // The version before may come back.
    assert.deepEqual([await count(fixture), (await volumes(fixture)).length], ["1", 4]);
    const back = { present_version: "3", newest_version: "2", request_update: true };
    await fixture.requestUntil("RUNNING", '"Now running app Shop (2)"', back);
    assert.deepEqual([await count(fixture), (await volumes(fixture)).length], ["10", 4]);
  });

  await t.step("#1: nothing is left of them after a removal, and nothing else is touched", async () => {
    await fixture.requestUntil("REMOVED", '"Successfully removed Shop!"');
    assert.deepEqual(await volumes(fixture), ["somebodys"]);
    await fixture.requestUntil("RUNNING", running);
    assert.equal(await count(fixture), "1");
    await fixture.requestUntil("UNINSTALLED", "UNINSTALLED");
    assert.deepEqual(await volumes(fixture), ["somebodys"]);
  });

  await t.step("#1: a path without its slash, and the folder of the variables, are no other case", async () => {
    const fields = { present_version: "relative", newest_version: "relative", environment: { LEVEL: { value: "3" } } };
    for (const _ of [1, 2, 3]) {
      await fixture.requestUntil("RUNNING", '"Now running app Shop (relative)"', fields);
      await fixture.engine.docker("exec", container, "test", "-e", "/data/env/LEVEL.txt");
      await fixture.requestUntil("PRESENT", stopped, fields);
      assert.equal((await volumes(fixture)).length, 2);
    }
    assert.equal(await count(fixture), "3");
    await fixture.requestUntil("UNINSTALLED", "UNINSTALLED");
    assert.deepEqual(await volumes(fixture), ["somebodys"]);
  });

  await t.step("#1: the volume of a container of an earlier agent stays in use, and goes with the app", async () => {
    await fixture.requestUntil("PRESENT", "PRESENT");
    const image = `${fixture.registry.host}/apps/prod_amd64_7_shop:1`;
    const shared = `${fixture.folder}:/shared`;
    await fixture.engine.docker("run", "-dt", "--name", container, "--label", "real=True", "-v", shared, image);
    await untilCount(fixture, "1");
    await fixture.restartAgent();
    await fixture.requestUntil("PRESENT", stopped);
    await fixture.restartAgent();
    assert.equal(fixture.apps.keptVolumes().size, 1);
    for (const _ of [1, 2]) {
      await fixture.requestUntil("RUNNING", running);
      await fixture.requestUntil("PRESENT", stopped);
    }
    assert.deepEqual([await count(fixture), (await volumes(fixture)).length], ["3", 2]);
    await fixture.requestUntil("UNINSTALLED", "UNINSTALLED");
    assert.deepEqual([await volumes(fixture), fixture.apps.keptVolumes().size], [["somebodys"], 0]);
  });
});
