import assert from "node:assert/strict";
import { container, SmallWorld } from "../../fakes/fake_device.ts";

const running = '"Now running app Shop (1)"';
const update = { newest_version: "2", new_release_key: 8, request_update: true };

/** The states among what was told. */
function states(told: readonly string[]): string[] {
  return told.filter((entry) => !entry.startsWith('"'));
}

Deno.test("a wish that is reached already is told once, and nothing is touched", async () => {
  await using world = new SmallWorld();
  assert.equal((await world.ask("RUNNING")).at(-1), running);
  assert.deepEqual(await world.ask("RUNNING"), ["RUNNING"]);
});

Deno.test("an app that is not there and shall not be is told, and leaves no row", async () => {
  await using world = new SmallWorld();
  assert.deepEqual(await world.ask("REMOVED"), ["REMOVED"]);
  assert.equal(world.state, undefined);
});

Deno.test("a first install reports the release of its request, and a second one that of its own", async () => {
  await using world = new SmallWorld();
  await world.ask("RUNNING", { release_key: 7 });
  await world.ask("RUNNING", update);
  assert.equal(world.studio.reports.at(-1)?.releaseKey, 8);
  await world.ask("REMOVED");
  await world.ask("RUNNING", { release_key: 7 });
  const last = world.studio.reports.at(-1);
  assert.deepEqual([last?.state, last?.releaseKey, last?.updateStatus], ["RUNNING", 7, ""]);
});

Deno.test("a target that changes during an update is what the app ends in", async () => {
  await using world = new SmallWorld({ "1": {}, "2": { pullMs: 1_000 } });
  await world.ask("RUNNING");
  await world.ask("RUNNING", update, 100);
  assert.equal(world.state, "UPDATING");
  await world.ask("RUNNING", { ...update, cancel_transition: false }, 0);
  const told = await world.pass(5_000);
  assert.equal(told.at(-1), '"Now running app Shop (2)"');
  await world.pass(60_000);
  assert.deepEqual(world.tags, ["2"]);
});

Deno.test("a still newer version that is asked for during an update is installed after it", async () => {
  await using world = new SmallWorld({ "1": {}, "2": { pullMs: 1_000 }, "3": {} });
  await world.ask("RUNNING");
  await world.ask("RUNNING", update, 100);
  const told = await world.ask("RUNNING", { ...update, newest_version: "3", new_release_key: 9 }, 5_000);
  assert.equal(told.at(-1), '"Now running app Shop (3)"');
  assert.equal(world.studio.reports.at(-1)?.releaseKey, 9);
});

Deno.test("what is asked in the moment a state is reached is done, however often that happens", async () => {
  await using world = new SmallWorld({ "1": {} });
  const known = { app_key: 7, app_name: "Shop", stage: "PROD", present_version: "1", newest_version: "1" };
  const opposite = new Map([["RUNNING", "PRESENT"], ["PRESENT", "RUNNING"]]);
  const asked: string[] = [];
  world.studio.onReport = async () => {
    const target = opposite.get(world.state ?? "");
    if (target === undefined || asked.length === 60) return;
    asked.push(target);
    await world.apps.request({ ...known, target_state: target });
  };
  await world.ask("RUNNING", {}, 120_000);
  assert.equal(asked.length, 60);
  assert.deepEqual([world.state, world.studio.reports.at(-1)?.state], [asked.at(-1), asked.at(-1)]);
});

Deno.test("a removal with an update pending updates nothing", async () => {
  for (const target of ["REMOVED", "UNINSTALLED"]) {
    await using world = new SmallWorld();
    await world.ask("RUNNING");
    const told = await world.ask(target, update);
    assert.ok(!told.includes("UPDATING"), target);
    assert.equal(world.state, undefined);
  }
});

Deno.test("an app that runs for ten minutes starts its crash loop from the beginning", async () => {
  await using world = new SmallWorld({ "1": {} });
  await world.ask("RUNNING");
  const crash = async () => {
    world.studio.clear();
    world.engine.kill(container);
    return (await world.pass(0)).at(-1);
  };
  assert.equal(await crash(), '"Entered a crashloop (1st attempt), retrying in 5s"');
  await world.pass(6_000);
  assert.equal(await crash(), '"Entered a crashloop (2nd attempt), retrying in 20s"');
  await world.pass(20_000 + 500 + 599_000);
  assert.equal(await crash(), '"Entered a crashloop (3rd attempt), retrying in 45s"');
  await world.pass(45_000 + 500 + 600_000);
  assert.equal(await crash(), '"Entered a crashloop (1st attempt), retrying in 5s"');
});

Deno.test("what Studio asks ends a crash loop and is done at once", async () => {
  await using world = new SmallWorld({ "1": { livesMs: 0, exitCode: 3 } });
  await world.ask("RUNNING");
  const told = await world.ask("PRESENT");
  assert.deepEqual(states(told), ["PRESENT"]);
  assert.deepEqual(states(await world.pass(3_600_000)), ["PRESENT"]);
});

Deno.test("a crash loop goes on with what Studio wanted last, not with what failed first", async () => {
  await using world = new SmallWorld({ "1": { livesMs: 0, exitCode: 3 } });
  await world.ask("RUNNING");
  await world.apps.request({ app_key: 7, app_name: "Shop", stage: "PROD", target_state: "REMOVED" });
  await world.pass(60_000);
  assert.equal(world.state, undefined);
  assert.equal(world.studio.reports.at(-1)?.state, "REMOVED");
});

Deno.test("an app runs although nobody can be told", async () => {
  await using world = new SmallWorld();
  world.studio.isConnected = false;
  await world.ask("RUNNING");
  assert.equal(world.state, "RUNNING");
  assert.deepEqual(world.studio.reports, []);
});

Deno.test("an engine that goes in the middle of a start costs the start, and its return repeats it at once", async () => {
  await using world = new SmallWorld();
  await world.ask("RUNNING", {}, 100);
  world.engine.leave();
  await world.pass(1_000);
  assert.equal(world.state, "FAILED");
  world.engine.comeBack();
  await world.pass(3_500);
  assert.equal(world.state, "RUNNING");
  assert.equal(world.engine.status(container), "running");
});

Deno.test("the agent ends at any moment and leaves the container alone", async () => {
  await using world = new SmallWorld({ "1": { pullMs: 1_000 } });
  await world.ask("RUNNING", {}, 500);
  await world.end();
  world.begin();
  await world.apps.reconcileLocal(new AbortController().signal);
  assert.equal(world.state, "REMOVED");
  await world.ask("RUNNING", {}, 5_000);
  await world.end();
  assert.equal(world.engine.status(container), "running");
  world.begin();
});

Deno.test("a developer's app and a compose app are refused with a clear line, and are not tried again", async () => {
  for (const wish of [{ stage: "DEV" }, { docker_compose: { services: {} } }]) {
    await using world = new SmallWorld();
    const told = await world.ask("RUNNING", wish, 3_600_000);
    assert.deepEqual(told, ['"not available in this version"', "FAILED"]);
  }
});

Deno.test("a rejected request leaves nothing behind", async () => {
  await using world = new SmallWorld();
  await assert.rejects(world.apps.request({ app_name: "Shop", stage: "PROD", target_state: "RUNNING" }));
  await assert.rejects(world.apps.request({ app_key: 7, app_name: "Shop", stage: "PROD", target_state: "STOPPED" }));
  assert.deepEqual(world.apps.list(), []);
});
