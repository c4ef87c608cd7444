import assert from "node:assert/strict";
import { container, SmallWorld } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };

function states(told: readonly string[]): string[] {
  return told.filter((entry) => !entry.startsWith('"'));
}

/** A device on which version 1 runs, as release 7. */
async function running(releases: ConstructorParameters<typeof SmallWorld>[0]): Promise<SmallWorld> {
  const world = new SmallWorld(releases);
  await world.ask("RUNNING", { release_key: 7 });
  assert.equal(world.state, "RUNNING");
  return world;
}

Deno.test("a release that dies at once gives way to the version before, which is told with the reason", async () => {
  await using world = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  const told = await world.ask("RUNNING", update, 5_000);
  assert.deepEqual(told, [
    "UPDATING",
    '"Initialising download for the app: Shop..."',
    '"Succesfully installed the app: Shop (Version: 2)"',
    "PRESENT pending_remote_confirmation",
    '"Starting Shop..."',
    "STARTING completed",
    '"The app failed to start, reason: the container has exited"',
    '"The update to version 2 has failed (the container has exited), returning to version 1"',
    '"Shop (PROD) exited with status code: 3"',
    '"Starting Shop..."',
    "STARTING canceled",
    "RUNNING canceled",
    '"Now running app Shop (1)"',
  ]);
  assert.equal(world.studio.reports.at(-1)?.releaseKey, 7);
  assert.deepEqual(world.tags, ["1"]);
  assert.equal(world.engine.status(container), "running");
});

Deno.test("a release that dies eight seconds after its start gives way to the version before", async () => {
  await using world = await running({ "1": {}, "2": { livesMs: 8_000, exitCode: 4 } });
  const told = await world.ask("RUNNING", update, 15_000);
  assert.deepEqual(states(told).slice(-4), [
    "STARTING completed",
    "RUNNING completed",
    "STARTING canceled",
    "RUNNING canceled",
  ]);
  assert.ok(
    told.includes('"The update to version 2 has failed (exited with status code 4), returning to version 1"'),
  );
  assert.equal(world.studio.reports.at(-1)?.releaseKey, 7);
  assert.deepEqual(world.tags, ["1"]);
});

Deno.test("a Studio that falls silent does not keep the app down between the two versions", async () => {
  await using world = await running({ "1": {}, "2": { pullMs: 1_000 } });
  await world.ask("RUNNING", update, 900);
  world.studio.isAnswering = false;
  const before = (await world.engine.inspect(container, never))?.id;
  await world.pass(110);
  const seen = await world.engine.inspect(container, never);
  assert.equal(seen?.status, "running");
  assert.notEqual(seen?.id, before, "the switch is over");
});

Deno.test("reports of a switch arrive in order and with the right word on the update, however slow Studio takes them", async () => {
  await using world = await running({ "1": {}, "2": {} });
  world.studio.onReport = () => world.clock.sleep(300);
  const told = await world.ask("RUNNING", update, 5_000);
  assert.deepEqual(states(told), [
    "UPDATING",
    "PRESENT pending_remote_confirmation",
    "STARTING completed",
    "RUNNING completed",
  ]);
});

Deno.test("an image that is not the one that was pulled takes nothing down, and is tried again later", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  await using world = await running({ "1": {}, "2": { digest, hasMoved: true } });
  const told = await world.ask("RUNNING", update, 3_000);
  assert.ok(
    told.some((entry) => entry.includes("is not the one that was pulled, sha256:aaa")),
    JSON.stringify(told),
  );
  assert.equal(world.engine.status(container), "running");
  assert.equal(world.studio.reports.at(-1)?.releaseKey, 7);
  world.engine.registry.set(`r.example.com/apps/prod_amd64_7_shop:2`, { digest });
  assert.ok(states(await world.pass(60_000)).includes("RUNNING completed"));
  assert.equal(world.studio.reports.at(-1)?.releaseKey, 8);
});

Deno.test("the image of the version before goes once the new one has run for a minute", async () => {
  await using world = await running({ "1": {}, "2": {} });
  await world.ask("RUNNING", update, 5_000);
  assert.deepEqual(world.tags, ["1", "2"]);
  await world.pass(50_000);
  assert.deepEqual(world.tags, ["1", "2"]);
  await world.pass(10_000);
  assert.deepEqual(world.tags, ["2"]);
  assert.equal(world.state, "RUNNING");
});

Deno.test("a release that has proven itself is not taken back for a later crash", async () => {
  await using world = await running({ "1": {}, "2": { livesMs: 90_000, exitCode: 1 } });
  await world.ask("RUNNING", update, 5_000);
  const told = await world.pass(100_000);
  assert.ok(told.includes('"Entered a crashloop (1st attempt), retrying in 5s"'));
  assert.deepEqual(world.tags, ["2"]);
});

Deno.test("a release that failed is left alone on connects and restarts, until Studio asks for it or for another", async () => {
  await using world = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 }, "3": {} });
  await world.ask("RUNNING", update, 5_000);
  const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", ...update, present_version: "2" };
  world.studio.answer = () => [row];
  world.studio.clear();
  await Promise.all([world.apps.reconcileLocal(never), world.pass(1)]);
  await Promise.all([world.apps.reconcileRemote(never), world.pass(10_000)]);
  await world.end();
  world.begin();
  await Promise.all([world.apps.reconcileLocal(never), world.pass(10_000)]);
  await Promise.all([world.apps.reconcileRemote(never), world.pass(100_000)]);
  assert.deepEqual(states(world.studio.told).filter((entry) => !entry.startsWith("RUNNING")), []);
  assert.deepEqual(world.tags, ["1"]);

  assert.equal(states(await world.ask("RUNNING", update, 5_000))[0]?.split(" ")[0], "UPDATING", "asked anew");
  assert.deepEqual(world.tags, ["1"]);
  const told = await world.ask("RUNNING", { ...update, newest_version: "3", new_release_key: 9 }, 70_000);
  assert.equal(told.at(-1), '"Now running app Shop (3)"');
  assert.deepEqual(world.tags, ["3"]);
});

Deno.test("a release for another machine is refused before anything is touched", async () => {
  await using world = await running({ "1": {}, "2": { architecture: "arm64" } });
  const before = await world.engine.inspect(container, never);
  const told = await world.ask("RUNNING", update, 5_000);
  assert.equal((await world.engine.inspect(container, never))?.id, before?.id);
  assert.ok(told.includes('"The update to version 2 is not possible, version 1 goes on"'));
  assert.equal(world.studio.reports.at(-1)?.state, "RUNNING");
  assert.deepEqual(world.tags, ["1"]);
  assert.deepEqual(states(await world.pass(3_600_000)).filter((entry) => entry === "UPDATING").length, 1);
});

Deno.test("the version before comes back with exactly the settings that it had, until Studio asks for something", async () => {
  await using world = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  const before = await world.engine.settingsOf(container, never);
  await world.ask("RUNNING", { ...update, environment: { LEVEL: { value: "new" } } }, 5_000);
  assert.deepEqual(await world.engine.settingsOf(container, never), before);
  await world.ask("PRESENT", { newest_version: "2" });
  await world.ask("RUNNING", { newest_version: "2", environment: { LEVEL: { value: "new" } } });
  const after = await world.engine.settingsOf(container, never);
  assert.ok(Array.isArray(after?.Env) && after.Env.includes("LEVEL=new"));
});

Deno.test("an engine that restarts during a probation is no fault of the release", async () => {
  await using world = await running({ "1": {}, "2": {} });
  await world.ask("RUNNING", update, 5_000);
  world.engine.leave();
  await world.pass(2_000);
  world.engine.comeBack();
  await world.pass(70_000);
  assert.equal(world.state, "RUNNING");
  assert.deepEqual(world.tags, ["2"]);
});

Deno.test("an agent that starts anew watches the release on from there", async () => {
  await using world = await running({ "1": {}, "2": { livesMs: 20_000, exitCode: 5 } });
  await world.ask("RUNNING", update, 5_000);
  await world.end();
  world.begin();
  await world.apps.reconcileLocal(never);
  await world.pass(30_000);
  assert.equal(world.studio.reports.at(-1)?.releaseKey, 7);
  assert.equal(world.studio.told.at(-1), '"Now running app Shop (1)"');
});

Deno.test("a link that carries nothing costs an update seconds, not its app", async () => {
  await using world = await running({ "1": {}, "2": {} });
  world.studio.isAnswering = false;
  await world.ask("RUNNING", update, 29_000);
  assert.equal(world.state, "UPDATING", "the download waits for its login while the app runs");
  assert.equal(world.engine.status(container), "running");
  await world.pass(7_000);
  assert.equal(world.state, "RUNNING");
  assert.equal((await world.engine.inspect(container, never))?.image.split(":")[1], "2");
});

Deno.test("an app that is stopped is updated, and its first run is the probation", async () => {
  await using world = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  await world.ask("PRESENT");
  const told = await world.ask("PRESENT", update, 2_000);
  assert.deepEqual(states(told), ["UPDATING", "PRESENT pending_remote_confirmation"]);
  await world.ask("RUNNING", { present_version: "2", newest_version: "2" }, 5_000);
  assert.equal(world.studio.told.at(-1), '"Now running app Shop (1)"');
  assert.deepEqual(world.tags, ["1"]);
});
