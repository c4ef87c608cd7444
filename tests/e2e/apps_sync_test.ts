// box engine registry
import assert from "node:assert/strict";
import { AgentError } from "../../lib/base/errors.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { busyboxImage } from "../../scripts/testbed/dockerd.ts";
import { AppsFixture, container, shop } from "./apps_fixture.ts";

const running = '"Now running app Shop (1)"';
const row = { ...shop, target_state: "RUNNING", current_state: "RUNNING", present_version: "1", newest_version: "1" };
const never = new AbortController().signal;

/** Names of all containers, running or not. */
async function names(fixture: AppsFixture): Promise<string[]> {
  const all = await fixture.engine.docker("ps", "-a", "--format", "{{.Names}}");
  return all.split("\n").filter((name) => name !== "").sort();
}

Deno.test("reconciling a device with Studio", async (t) => {
  await using fixture = await AppsFixture.start();
  await fixture.publish("1", { tickMs: 200 });
  await fixture.publish("2", { tickMs: 200 });
  await fixture.apps.reconcileLocal(never);

  await t.step("a requested app is installed on connect", async () => {
    fixture.studio.answer = () => [{ ...row, current_state: "REMOVED" }];
    await fixture.apps.reconcileRemote(never);
    await fixture.until(running);
    assert.equal(fixture.studio.entries[0], "REMOVED");
  });

  await t.step("a reconnect only reports a running app again", async () => {
    const id = await fixture.engine.docker("inspect", "-f", "{{.Id}}", container);
    fixture.studio.clear();
    await fixture.apps.reconcileRemote(never);
    await sleep(300);
    // Once as observed, once because it already has the requested state.
    assert.deepEqual(fixture.studio.entries, ["RUNNING", "RUNNING"]);
    assert.equal(await fixture.engine.docker("inspect", "-f", "{{.Id}}", container), id);
  });

  await t.step("a restarted agent leaves a running app alone, even offline", async () => {
    const id = await fixture.engine.docker("inspect", "-f", "{{.Id}}", container);
    fixture.studio.isConnected = false;
    await fixture.restartAgent();
    assert.deepEqual(fixture.apps.list().map((app) => app.state), ["RUNNING"]);
    await sleep(300);
    assert.equal(await fixture.engine.docker("inspect", "-f", "{{.Id}}", container), id);
    fixture.studio.isConnected = true;
  });

  await t.step("M15: an app that stopped while no agent was running runs again, even offline", async () => {
    fixture.studio.isConnected = false;
    fixture.studio.clear();
    await fixture.stopAgent();
    await fixture.engine.docker("kill", container);
    await fixture.engine.docker("wait", container);
    fixture.startAgent();
    await fixture.apps.reconcileLocal(never);
    await fixture.until(running);
    fixture.studio.isConnected = true;
  });

  await t.step(
    "M4, M11: at boot a pending update waits for the connection, and the installed version runs",
    async () => {
      fixture.studio.isConnected = false;
      await fixture.request("RUNNING", { newest_version: "2", request_update: true, new_release_key: 9 });
      await fixture.stopAgent();
      await fixture.engine.tryDocker(["kill", container]);
      await fixture.engine.tryDocker(["wait", container]);
      fixture.studio.clear();
      fixture.startAgent();
      await fixture.apps.reconcileLocal(never);
      await fixture.until(running);
      await sleep(300);
      assert.deepEqual(await fixture.tags(), ["1"]);
      fixture.studio.isConnected = true;
      fixture.studio.answer = () => [{ ...row, newest_version: "2", request_update: true, new_release_key: 9 }];
      await fixture.apps.reconcileRemote(never);
      await fixture.until('"Now running app Shop (2)"');
      assert.equal(fixture.studio.reports.at(-1)?.releaseKey, 9);
      await fixture.requestUntil("RUNNING", running, {
        newest_version: "1",
        present_version: "2",
        request_update: true,
      });
      fixture.studio.answer = () => [row];
    },
  );

  await t.step("when Studio's answer fails, nothing is removed and the apps are still reported", async () => {
    for (const error of [new AgentError("bad_request", "args[0] must be a list"), new AgentError("timeout", "late")]) {
      fixture.studio.clear();
      fixture.studio.answer = () => {
        throw error;
      };
      await assert.rejects(fixture.apps.reconcileRemote(never), error);
      assert.match(fixture.studio.entries[0] ?? "", /^RUNNING/);
      assert.equal(await fixture.status(), "running");
    }
  });

  await t.step("an unreadable entry removes nothing", async () => {
    for (const entry of [null, 7, {}, { app_key: "x" }]) {
      fixture.studio.answer = () => [entry];
      await fixture.apps.reconcileRemote(never);
      assert.equal(await fixture.status(), "running");
      assert.equal(fixture.apps.list().length, 1);
    }
  });

  await t.step("an empty answer is asked for twice", async () => {
    let count = 0;
    fixture.studio.answer = () => count++ === 0 ? [] : [row];
    await fixture.apps.reconcileRemote(never);
    assert.equal(await fixture.status(), "running");
    assert.equal(count, 2);
  });

  await t.step("a request that arrives in the meantime is newer than Studio's answer", async () => {
    fixture.studio.clear();
    fixture.studio.answer = () => {
      void fixture.request("PRESENT");
      return [row];
    };
    await fixture.apps.reconcileRemote(never);
    await fixture.until('"Successfully stopped Shop"');
    await sleep(300);
    assert.equal(await fixture.status(), undefined);
    fixture.studio.answer = () => [row];
    await fixture.apps.reconcileRemote(never);
    await fixture.until(running);
  });

  await t.step("containers without an app are removed if they are the agent's own", async () => {
    const run = (name: string, ...args: string[]) =>
      fixture.engine.docker("run", "-d", "--name", name, ...args, busyboxImage, "sleep", "1000");
    await run("prod_9_ghost", "--label", "real=True");
    await run("dev_9_ghost", "--label", "real=True");
    await run("prod_9_foreign");
    await run("web_2_cache", "--label", "real=True");
    await run("prod_9_web", "--label", "real=True", "--label", "com.docker.compose.project=prod_9_web_compose");
    await fixture.apps.reconcileRemote(never);
    assert.deepEqual(await names(fixture), [container, "prod_9_foreign", "prod_9_web", "web_2_cache"].sort());
    for (const name of ["prod_9_foreign", "prod_9_web", "web_2_cache"]) await fixture.engine.docker("rm", "-f", name);
  });

  await t.step("a lost database costs no app: Studio's answer restores it", async () => {
    const id = await fixture.engine.docker("inspect", "-f", "{{.Id}}", container);
    await fixture.stopAgent();
    for (const suffix of ["", "-wal", "-shm"]) {
      await Deno.remove(`${fixture.folder}/reagent.db${suffix}`).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    fixture.startAgent();
    await fixture.apps.reconcileLocal(never);
    fixture.studio.clear();
    await fixture.apps.reconcileRemote(never);
    assert.equal(fixture.studio.entries[0], "RUNNING");
    assert.equal(await fixture.engine.docker("inspect", "-f", "{{.Id}}", container), id);
  });

  await t.step("an interrupted removal is completed after the start", async () => {
    await fixture.requestUntil("UNINSTALLED", "DELETING");
    await fixture.stopAgent();
    fixture.studio.clear();
    fixture.startAgent();
    await fixture.apps.reconcileLocal(never);
    await fixture.until("UNINSTALLED");
    await pollUntil("the app is gone", () => Promise.resolve(fixture.apps.list().length === 0 || undefined), {
      limitMs: 5_000,
    });
    fixture.studio.clear();
    await fixture.apps.reconcileRemote(never);
    await fixture.until(running);
  });

  await t.step("an app that Studio no longer lists is removed, and its transition is aborted", async () => {
    await fixture.request("PRESENT");
    fixture.studio.answer = () => [];
    await fixture.apps.reconcileRemote(never);
    assert.deepEqual(fixture.apps.list(), []);
    assert.deepEqual(await names(fixture), []);
  });
});
