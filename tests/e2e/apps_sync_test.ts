// box engine registry
import assert from "node:assert/strict";
import { AgentError } from "../../lib/base/errors.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { AppsWorld, container, shop } from "./apps_world.ts";

const running = '"Now running app Shop (1)"';
const row = { ...shop, target_state: "RUNNING", current_state: "RUNNING", present_version: "1", newest_version: "1" };
const never = new AbortController().signal;

/** Names of all containers, running or not. */
async function names(world: AppsWorld): Promise<string[]> {
  const all = await world.engine.docker("ps", "-a", "--format", "{{.Names}}");
  return all.split("\n").filter((name) => name !== "").sort();
}

Deno.test("bringing a device in line", async (t) => {
  await using world = await AppsWorld.start();
  await world.publish("1", { tickMs: 200 });
  await world.publish("2", { tickMs: 200 });
  await world.apps.reconcileLocal(never);

  await t.step("an app that Studio wants is installed on connect", async () => {
    world.studio.answer = () => [{ ...row, current_state: "REMOVED" }];
    await world.apps.reconcileRemote(never);
    await world.until(running);
    assert.equal(world.studio.told[0], "REMOVED");
  });

  await t.step("a running app is only told again on a reconnect", async () => {
    const id = await world.engine.docker("inspect", "-f", "{{.Id}}", container);
    world.studio.clear();
    await world.apps.reconcileRemote(never);
    await sleep(300);
    // Once as found, once because what is wanted is so already.
    assert.deepEqual(world.studio.told, ["RUNNING", "RUNNING"]);
    assert.equal(await world.engine.docker("inspect", "-f", "{{.Id}}", container), id);
  });

  await t.step("an agent that starts anew leaves a running app alone, offline too", async () => {
    const id = await world.engine.docker("inspect", "-f", "{{.Id}}", container);
    world.studio.isConnected = false;
    await world.restart();
    assert.deepEqual(world.apps.list().map((app) => app.state), ["RUNNING"]);
    await sleep(300);
    assert.equal(await world.engine.docker("inspect", "-f", "{{.Id}}", container), id);
    world.studio.isConnected = true;
  });

  await t.step("an app that stopped while no agent was there runs again, offline too", async () => {
    world.studio.isConnected = false;
    world.studio.clear();
    await world.end();
    await world.engine.docker("kill", container);
    await world.engine.docker("wait", container);
    world.begin();
    await world.apps.reconcileLocal(never);
    await world.until(running);
    world.studio.isConnected = true;
  });

  await t.step("a pending update waits for the link at boot, and the installed version runs", async () => {
    world.studio.isConnected = false;
    await world.ask("RUNNING", { newest_version: "2", request_update: true, new_release_key: 9 });
    await world.end();
    await world.engine.tryDocker(["kill", container]);
    await world.engine.tryDocker(["wait", container]);
    world.studio.clear();
    world.begin();
    await world.apps.reconcileLocal(never);
    await world.until(running);
    await sleep(300);
    assert.deepEqual(await world.tags(), ["1"]);
    world.studio.isConnected = true;
    world.studio.answer = () => [{ ...row, newest_version: "2", request_update: true, new_release_key: 9 }];
    await world.apps.reconcileRemote(never);
    await world.until('"Now running app Shop (2)"');
    assert.equal(world.studio.reports.at(-1)?.releaseKey, 9);
    await world.askUntil("RUNNING", running, { newest_version: "1", present_version: "2", request_update: true });
    world.studio.answer = () => [row];
  });

  await t.step("a failed question takes nothing away, and the apps are reported all the same", async () => {
    for (const error of [new AgentError("bad_request", "args[0] must be a list"), new AgentError("timeout", "late")]) {
      world.studio.clear();
      world.studio.answer = () => {
        throw error;
      };
      await assert.rejects(world.apps.reconcileRemote(never), error);
      assert.match(world.studio.told[0] ?? "", /^RUNNING/);
      assert.equal(await world.status(), "running");
    }
  });

  await t.step("an entry that cannot be read takes nothing away", async () => {
    for (const entry of [null, 7, {}, { app_key: "x" }]) {
      world.studio.answer = () => [entry];
      await world.apps.reconcileRemote(never);
      assert.equal(await world.status(), "running");
      assert.equal(world.apps.list().length, 1);
    }
  });

  await t.step("an answer of nothing is asked for twice", async () => {
    let questions = 0;
    world.studio.answer = () => questions++ === 0 ? [] : [row];
    await world.apps.reconcileRemote(never);
    assert.equal(await world.status(), "running");
    assert.equal(questions, 2);
  });

  await t.step("what Studio asks by itself meanwhile is newer than its answer", async () => {
    world.studio.clear();
    world.studio.answer = () => {
      void world.ask("PRESENT");
      return [row];
    };
    await world.apps.reconcileRemote(never);
    await world.until('"Successfully stopped Shop"');
    await sleep(300);
    assert.equal(await world.status(), undefined);
    world.studio.answer = () => [row];
    await world.apps.reconcileRemote(never);
    await world.until(running);
  });

  await t.step("containers without an app go when they are the agent's own, and only then", async () => {
    const run = (name: string, ...args: string[]) =>
      world.engine.docker("run", "-d", "--name", name, ...args, busyboxImage, "sleep", "1000");
    await run("prod_9_ghost", "--label", "real=True");
    await run("dev_9_ghost", "--label", "real=True");
    await run("prod_9_foreign");
    await run("web_2_cache", "--label", "real=True");
    await run("prod_9_web", "--label", "real=True", "--label", "com.docker.compose.project=prod_9_web_compose");
    await world.apps.reconcileRemote(never);
    assert.deepEqual(await names(world), [container, "prod_9_foreign", "prod_9_web", "web_2_cache"].sort());
    for (const name of ["prod_9_foreign", "prod_9_web", "web_2_cache"]) await world.engine.docker("rm", "-f", name);
  });

  await t.step("a lost database takes no app away: Studio's answer brings it back", async () => {
    const id = await world.engine.docker("inspect", "-f", "{{.Id}}", container);
    await world.end();
    for (const suffix of ["", "-wal", "-shm"]) {
      await Deno.remove(`${world.folder}/reagent.db${suffix}`).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    world.begin();
    await world.apps.reconcileLocal(never);
    world.studio.clear();
    await world.apps.reconcileRemote(never);
    assert.equal(world.studio.told[0], "RUNNING");
    assert.equal(await world.engine.docker("inspect", "-f", "{{.Id}}", container), id);
  });

  await t.step("a removal that was cut is done after the start", async () => {
    await world.askUntil("UNINSTALLED", "DELETING");
    await world.end();
    world.studio.clear();
    world.begin();
    await world.apps.reconcileLocal(never);
    await world.until("UNINSTALLED");
    await pollUntil("the app is gone", () => Promise.resolve(world.apps.list().length === 0 || undefined), {
      limitMs: 5_000,
    });
    world.studio.clear();
    await world.apps.reconcileRemote(never);
    await world.until(running);
  });

  await t.step("an app that Studio does not name any more goes, with what is going on with it", async () => {
    await world.ask("PRESENT");
    world.studio.answer = () => [];
    await world.apps.reconcileRemote(never);
    assert.deepEqual(world.apps.list(), []);
    assert.deepEqual(await names(world), []);
  });
});
