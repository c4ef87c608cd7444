import assert from "node:assert/strict";
import { container, SmallWorld } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };

/** The states among what was told. */
function states(told: readonly string[]): string[] {
  return told.filter((entry) => !entry.startsWith('"'));
}

/** What the database has: the state of the app, and what is asked of it. */
function stored(world: SmallWorld): string[] {
  const read = (text: string) => world.database.all(text).flatMap((row) => Object.values(row).map(String));
  return [
    ...read("SELECT state FROM AppStates"),
    ...read("SELECT manually_requested_state FROM RequestedAppStates"),
    ...read("SELECT phase FROM ReagentUpdates"),
  ];
}

/** A device on which version 1 runs, with a disk that is full from now on. */
async function full(releases?: ConstructorParameters<typeof SmallWorld>[0]): Promise<SmallWorld> {
  const world = new SmallWorld(releases);
  await world.ask("RUNNING");
  assert.deepEqual(stored(world), ["RUNNING", "RUNNING"]);
  world.fillDisk();
  return world;
}

Deno.test("an app is removed although the disk is too full to store that, and leaves no row once there is room", async () => {
  for (const target of ["REMOVED", "UNINSTALLED"]) {
    await using world = await full();
    const told = await world.ask(target);
    assert.deepEqual(states(told), target === "REMOVED" ? ["DELETING", "REMOVED"] : ["DELETING", "REMOVED", target]);
    assert.equal(world.engine.status(container), undefined);
    assert.deepEqual(world.tags, []);
    await world.pass(60_000);
    assert.deepEqual(stored(world), ["RUNNING", "RUNNING"], "the disk is full");
    world.makeRoom();
    await world.pass(5_000);
    assert.deepEqual(stored(world), []);
    assert.deepEqual(world.apps.list(), []);
  }
});

Deno.test("an app is stopped although the disk is too full to store that, and stays so over a restart once there is room", async () => {
  await using world = await full();
  assert.deepEqual(states(await world.ask("PRESENT")), ["STOPPING", "PRESENT"]);
  assert.equal(world.engine.status(container), undefined);
  world.makeRoom();
  await world.pass(5_000);
  assert.deepEqual(stored(world), ["PRESENT", "PRESENT"]);
  await world.end();
  world.begin();
  await world.apps.reconcileLocal(never);
  await world.pass(5_000);
  assert.equal(world.state, "PRESENT");
});

Deno.test("an update that is canceled on a full disk right before its switch is no failure", async () => {
  await using world = new SmallWorld({ "1": {}, "2": {} });
  await world.ask("RUNNING");
  const usual = world.engine.stop.bind(world.engine);
  let told: Promise<string[]> | undefined;
  // The switch is noted by then; the disk is full, and the person who looks changes their mind.
  world.engine.stop = (...call) => {
    if (told === undefined) {
      world.fillDisk();
      told = world.ask("PRESENT", {}, 0);
    }
    return usual(...call);
  };
  await world.ask("RUNNING", update, 5_000);
  assert.ok(told !== undefined);
  assert.ok(!states(await world.pass(5_000)).includes("FAILED"), JSON.stringify(world.studio.told));
  assert.equal(world.state, "PRESENT");
});

Deno.test("what brings something is refused while it cannot be stored, and changes nothing", async () => {
  await using world = await full();
  const wishes: [target: string, wish: Record<string, unknown>][] = [
    ["RUNNING", {}],
    ["RUNNING", update],
    ["PRESENT", update],
    ["RUNNING", { app_key: 8, app_name: "Other" }],
    ["PRESENT", { app_key: 8, app_name: "Other" }],
  ];
  for (const [target, wish] of wishes) {
    await assert.rejects(world.ask(target, wish), { code: "store_failed" }, `${target} ${JSON.stringify(wish)}`);
  }
  assert.deepEqual(await world.pass(60_000), []);
  assert.equal(world.state, "RUNNING");
  assert.equal(world.apps.list().length, 1);
  world.makeRoom();
  await world.pass(60_000);
  assert.deepEqual(stored(world), ["RUNNING", "RUNNING"]);
});

Deno.test("an update is canceled although the disk is too full to store that", async () => {
  for (const [target, wish] of [["PRESENT", update], ["RUNNING", { ...update, cancel_transition: true }]] as const) {
    await using world = new SmallWorld({ "1": {}, "2": { pullMs: 10_000 } });
    await world.ask("RUNNING");
    await world.ask("RUNNING", update, 1_000);
    assert.equal(world.state, "UPDATING");
    world.fillDisk();
    await world.ask(target, wish);
    assert.deepEqual([world.state, world.tags], [target, ["1"]]);
    assert.equal(world.studio.reports.at(-1)?.updateStatus, "canceled");
    await world.pass(60_000);
    world.makeRoom();
    await world.pass(5_000);
    assert.deepEqual([world.state, world.tags, stored(world)], [target, ["1"], [target, target]]);
  }
});

Deno.test("a removal ends a download although the disk is too full to store that", async () => {
  await using world = new SmallWorld({ "1": { pullMs: 10_000 } });
  await world.ask("RUNNING", {}, 1_000);
  assert.equal(world.state, "DOWNLOADING");
  world.fillDisk();
  assert.equal(states(await world.ask("REMOVED")).at(-1), "REMOVED");
  world.makeRoom();
  await world.pass(20_000);
  assert.deepEqual([world.state, world.tags, stored(world)], [undefined, [], []]);
});

Deno.test("an app in a crash loop is stopped although the disk is too full to store that", async () => {
  await using world = new SmallWorld({ "1": { livesMs: 100, exitCode: 3 } });
  await world.ask("RUNNING");
  world.fillDisk();
  assert.deepEqual(states(await world.ask("PRESENT")), ["PRESENT"]);
  world.makeRoom();
  await world.pass(3_600_000);
  assert.deepEqual([world.state, stored(world)], ["PRESENT", ["PRESENT", "PRESENT"]]);
});

Deno.test("a removal is done on a full disk whatever version Studio takes for the installed one", async () => {
  await using world = await full();
  assert.deepEqual(states(await world.ask("REMOVED", { present_version: "5" })), ["DELETING", "REMOVED"]);
  assert.deepEqual(world.tags, []);
});

Deno.test("a removal after a failed update is done on a full disk", async () => {
  await using world = new SmallWorld({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  await world.ask("RUNNING");
  await world.ask("RUNNING", update, 5_000);
  assert.deepEqual(stored(world), ["RUNNING", "RUNNING", "failed"]);
  world.fillDisk();
  assert.equal(states(await world.ask("REMOVED")).at(-1)?.split(" ")[0], "REMOVED");
  world.makeRoom();
  await world.pass(5_000);
  assert.deepEqual(stored(world), []);
});

Deno.test("what was asked last counts: a removal that waits for room gives way to an install that was stored", async () => {
  await using world = await full();
  await world.ask("REMOVED");
  world.makeRoom();
  await world.ask("RUNNING", {}, 10_000);
  assert.deepEqual([world.state, stored(world)], ["RUNNING", ["RUNNING", "RUNNING"]]);
});

Deno.test("a removal that was not stored when the agent ended is told by Studio's next answer", async () => {
  for (const target of ["REMOVED", "PRESENT"]) {
    await using world = await full();
    await world.ask(target, {}, 100);
    await world.end();
    world.begin();
    assert.deepEqual(stored(world), ["RUNNING", "RUNNING"]);
    await world.apps.reconcileLocal(never);
    await world.pass(2_000);
    const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: target, present_version: "1" };
    world.studio.answer = () => [row];
    await Promise.all([world.apps.reconcileRemote(never), world.pass(5_000)]);
    assert.equal(world.engine.status(container), undefined);
    assert.equal(world.studio.reports.at(-1)?.state, target);
    assert.deepEqual(stored(world), target === "REMOVED" ? [] : ["PRESENT", "PRESENT"]);
  }
});

Deno.test("what Studio's answer takes away is done although the disk is too full to store that, and the rest stays", async () => {
  await using world = await full();
  world.studio.answer = () => [
    { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "REMOVED", present_version: "1" },
    { app_key: 8, app_name: "Other", stage: "PROD", target_state: "RUNNING", present_version: "1" },
  ];
  await world.apps.reconcileLocal(never);
  await Promise.all([world.apps.reconcileRemote(never), world.pass(5_000)]);
  assert.equal(world.engine.status(container), undefined);
  assert.equal(world.studio.reports.at(-1)?.state, "REMOVED");
  world.makeRoom();
  await world.pass(5_000);
  assert.deepEqual(stored(world), []);
});

Deno.test("an app that Studio does not know any more goes on a full disk, and stays away until it is asked for anew", async () => {
  for (const isWantedAgain of [false, true]) {
    await using world = await full();
    world.studio.answer = () => [{ app_key: 8, app_name: "Other", stage: "PROD", target_state: "REMOVED" }];
    await world.apps.reconcileLocal(never);
    await Promise.all([world.apps.reconcileRemote(never), world.pass(60_000)]);
    assert.equal(world.engine.status(container), undefined);
    assert.deepEqual(world.apps.list().filter(({ appName }) => appName === "Shop"), []);
    world.apps.resume();
    await world.pass(5_000);
    assert.equal(world.engine.status(container), undefined);
    await assert.rejects(world.ask("RUNNING"), { code: "store_failed" });
    world.makeRoom();
    if (isWantedAgain) await world.ask("RUNNING", {}, 0);
    await world.pass(10_000);
    assert.deepEqual(stored(world), isWantedAgain ? ["RUNNING", "RUNNING"] : []);
  }
});

Deno.test("a lost database counts as lost until all that Studio wants is stored", async () => {
  await using world = new SmallWorld();
  await world.ask("RUNNING");
  await world.loseDatabase();
  await world.apps.reconcileLocal(never);
  world.fillDisk();
  const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "REMOVED", present_version: "1" };
  world.studio.answer = () => [row];
  await Promise.all([world.apps.reconcileRemote(never), world.pass(5_000)]);
  assert.equal(world.engine.status(container), undefined);
  assert.equal(world.apps.diskUses(), undefined);
  world.makeRoom();
  await Promise.all([world.apps.reconcileRemote(never), world.pass(5_000)]);
  assert.deepEqual(world.apps.diskUses(), []);
});

Deno.test("ports that a full disk cannot store are told to Studio, and are the same after a restart", async () => {
  await using world = new SmallWorld({ "1": { pullMs: 1_000 } });
  await world.ask("RUNNING", { ports: [{ port: 8080 }] }, 500);
  assert.equal(world.state, "DOWNLOADING");
  world.fillDisk();
  await world.pass(10_000);
  assert.equal(world.state, "RUNNING");
  const told = () => world.studio.ports.at(-1)?.ports.map(({ hostPort }) => hostPort);
  const [chosen] = told() ?? [];
  assert.ok(chosen !== undefined && chosen >= 40_000);
  const kept = () => String(world.database.first("SELECT ports FROM RequestedAppStates")?.ports);
  assert.ok(!kept().includes(String(chosen)), "the disk is full");
  await world.end();
  world.begin();
  world.studio.ports.length = 0;
  world.studio.answer = () => {
    throw new Error("the backend is away");
  };
  await world.apps.reconcileLocal(never);
  await Promise.all([assert.rejects(world.apps.reconcileRemote(never)), world.pass(5_000)]);
  assert.deepEqual(told(), [chosen]);
  assert.ok(kept().includes(String(chosen)));
});
