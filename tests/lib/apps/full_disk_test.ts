import assert from "node:assert/strict";
import { container, FakeDevice } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };

/** The states among the entries. */
function states(entries: readonly string[]): string[] {
  return entries.filter((entry) => !entry.startsWith('"'));
}

/** What the database has: the state of the app, the target of its request, the phase of its update. */
function stored(device: FakeDevice): string[] {
  const read = (text: string) => device.database.all(text).flatMap((row) => Object.values(row).map(String));
  return [
    ...read("SELECT state FROM AppStates"),
    ...read("SELECT manually_requested_state FROM RequestedAppStates"),
    ...read("SELECT phase FROM ReagentUpdates"),
  ];
}

/** A device on which version 1 runs, with a full disk. */
async function full(releases?: ConstructorParameters<typeof FakeDevice>[0]): Promise<FakeDevice> {
  const device = new FakeDevice(releases);
  await device.request("RUNNING");
  assert.deepEqual(stored(device), ["RUNNING", "RUNNING"]);
  device.fillDisk();
  return device;
}

Deno.test("an app is removed although the disk is too full to store that, and leaves no row once there is space", async () => {
  for (const target of ["REMOVED", "UNINSTALLED"]) {
    await using device = await full();
    const entries = await device.request(target);
    assert.deepEqual(states(entries), target === "REMOVED" ? ["DELETING", "REMOVED"] : ["DELETING", "REMOVED", target]);
    assert.equal(device.engine.status(container), undefined);
    assert.deepEqual(device.tags, []);
    await device.advance(60_000);
    assert.deepEqual(stored(device), ["RUNNING", "RUNNING"], "the disk is full");
    device.freeDisk();
    await device.advance(5_000);
    assert.deepEqual(stored(device), []);
    assert.deepEqual(device.apps.list(), []);
  }
});

Deno.test("an app is stopped although the disk is too full to store that, and stays so over a restart once there is space", async () => {
  await using device = await full();
  assert.deepEqual(states(await device.request("PRESENT")), ["STOPPING", "PRESENT"]);
  assert.equal(device.engine.status(container), undefined);
  device.freeDisk();
  await device.advance(5_000);
  assert.deepEqual(stored(device), ["PRESENT", "PRESENT"]);
  await device.stopAgent();
  device.startAgent();
  await device.apps.reconcileLocal(never);
  await device.advance(5_000);
  assert.equal(device.state, "PRESENT");
});

Deno.test("canceling an update on a full disk right before its switch is no failure", async () => {
  await using device = new FakeDevice({ "1": {}, "2": {} });
  await device.request("RUNNING");
  const usual = device.engine.stop.bind(device.engine);
  let entries: Promise<string[]> | undefined;
  // By then the switch is stored; the disk fills up, and the user cancels.
  device.engine.stop = (...call) => {
    if (entries === undefined) {
      device.fillDisk();
      entries = device.request("PRESENT", {}, { ms: 0 });
    }
    return usual(...call);
  };
  await device.request("RUNNING", update, { ms: 5_000 });
  assert.ok(entries !== undefined);
  assert.ok(!states(await device.advance(5_000)).includes("FAILED"), JSON.stringify(device.studio.entries));
  assert.equal(device.state, "PRESENT");
});

Deno.test("a request that takes space is refused while it cannot be stored, and changes nothing", async () => {
  await using device = await full();
  const wishes: [target: string, wish: Record<string, unknown>][] = [
    ["RUNNING", {}],
    ["RUNNING", update],
    ["PRESENT", update],
    ["RUNNING", { app_key: 8, app_name: "Other" }],
    ["PRESENT", { app_key: 8, app_name: "Other" }],
  ];
  for (const [target, wish] of wishes) {
    await assert.rejects(device.request(target, wish), { code: "store_failed" }, `${target} ${JSON.stringify(wish)}`);
  }
  assert.deepEqual(await device.advance(60_000), []);
  assert.equal(device.state, "RUNNING");
  assert.equal(device.apps.list().length, 1);
  device.freeDisk();
  await device.advance(60_000);
  assert.deepEqual(stored(device), ["RUNNING", "RUNNING"]);
});

Deno.test("an update is canceled although the disk is too full to store that", async () => {
  for (const [target, wish] of [["PRESENT", update], ["RUNNING", { ...update, cancel_transition: true }]] as const) {
    await using device = new FakeDevice({ "1": {}, "2": { pullMs: 10_000 } });
    await device.request("RUNNING");
    await device.request("RUNNING", update, { ms: 1_000 });
    assert.equal(device.state, "UPDATING");
    device.fillDisk();
    await device.request(target, wish);
    assert.deepEqual([device.state, device.tags], [target, ["1"]]);
    assert.equal(device.studio.reports.at(-1)?.updateStatus, "canceled");
    await device.advance(60_000);
    device.freeDisk();
    await device.advance(5_000);
    assert.deepEqual([device.state, device.tags, stored(device)], [target, ["1"], [target, target]]);
  }
});

Deno.test("a removal ends a download although the disk is too full to store that", async () => {
  await using device = new FakeDevice({ "1": { pullMs: 10_000 } });
  await device.request("RUNNING", {}, { ms: 1_000 });
  assert.equal(device.state, "DOWNLOADING");
  device.fillDisk();
  assert.equal(states(await device.request("REMOVED")).at(-1), "REMOVED");
  device.freeDisk();
  await device.advance(20_000);
  assert.deepEqual([device.state, device.tags, stored(device)], [undefined, [], []]);
});

Deno.test("an app in a crash loop is stopped although the disk is too full to store that", async () => {
  await using device = new FakeDevice({ "1": { livesMs: 100, exitCode: 3 } });
  await device.request("RUNNING");
  device.fillDisk();
  assert.deepEqual(states(await device.request("PRESENT")), ["PRESENT"]);
  device.freeDisk();
  await device.advance(3_600_000);
  assert.deepEqual([device.state, stored(device)], ["PRESENT", ["PRESENT", "PRESENT"]]);
});

Deno.test("a removal is carried out on a full disk whatever version Studio believes to be installed", async () => {
  await using device = await full();
  assert.deepEqual(states(await device.request("REMOVED", { present_version: "5" })), ["DELETING", "REMOVED"]);
  assert.deepEqual(device.tags, []);
});

Deno.test("a removal after a failed update is carried out on a full disk", async () => {
  await using device = new FakeDevice({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  await device.request("RUNNING");
  await device.request("RUNNING", update, { ms: 5_000 });
  assert.deepEqual(stored(device), ["RUNNING", "RUNNING", "failed"]);
  device.fillDisk();
  assert.equal(states(await device.request("REMOVED")).at(-1)?.split(" ")[0], "REMOVED");
  device.freeDisk();
  await device.advance(5_000);
  assert.deepEqual(stored(device), []);
});

Deno.test("the latest request counts: a removal that could not be stored gives way to an install that was", async () => {
  await using device = await full();
  await device.request("REMOVED");
  device.freeDisk();
  await device.request("RUNNING", {}, { ms: 10_000 });
  assert.deepEqual([device.state, stored(device)], ["RUNNING", ["RUNNING", "RUNNING"]]);
});

Deno.test("a removal that was not stored when the agent ended is carried out after Studio's next answer", async () => {
  for (const target of ["REMOVED", "PRESENT"]) {
    await using device = await full();
    await device.request(target, {}, { ms: 100 });
    await device.stopAgent();
    device.startAgent();
    assert.deepEqual(stored(device), ["RUNNING", "RUNNING"]);
    await device.apps.reconcileLocal(never);
    await device.advance(2_000);
    const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: target, present_version: "1" };
    device.studio.answer = () => [row];
    await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
    assert.equal(device.engine.status(container), undefined);
    assert.equal(device.studio.reports.at(-1)?.state, target);
    assert.deepEqual(stored(device), target === "REMOVED" ? [] : ["PRESENT", "PRESENT"]);
  }
});

Deno.test("removals in Studio's answer are carried out although the disk is too full to store them, and the rest stays", async () => {
  await using device = await full();
  device.studio.answer = () => [
    { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "REMOVED", present_version: "1" },
    { app_key: 8, app_name: "Other", stage: "PROD", target_state: "RUNNING", present_version: "1" },
  ];
  await device.apps.reconcileLocal(never);
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.equal(device.engine.status(container), undefined);
  assert.equal(device.studio.reports.at(-1)?.state, "REMOVED");
  device.freeDisk();
  await device.advance(5_000);
  assert.deepEqual(stored(device), []);
});

Deno.test("an app that Studio no longer knows is removed on a full disk, and stays away until it is requested again", async () => {
  for (const isWantedAgain of [false, true]) {
    await using device = await full();
    device.studio.answer = () => [{ app_key: 8, app_name: "Other", stage: "PROD", target_state: "REMOVED" }];
    await device.apps.reconcileLocal(never);
    await Promise.all([device.apps.reconcileRemote(never), device.advance(60_000)]);
    assert.equal(device.engine.status(container), undefined);
    assert.deepEqual(device.apps.list().filter(({ appName }) => appName === "Shop"), []);
    device.apps.resume();
    await device.advance(5_000);
    assert.equal(device.engine.status(container), undefined);
    await assert.rejects(device.request("RUNNING"), { code: "store_failed" });
    device.freeDisk();
    if (isWantedAgain) await device.request("RUNNING", {}, { ms: 0 });
    await device.advance(10_000);
    assert.deepEqual(stored(device), isWantedAgain ? ["RUNNING", "RUNNING"] : []);
  }
});

Deno.test("a lost database counts as lost until everything that Studio wants is stored", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  await device.loseDatabase();
  await device.apps.reconcileLocal(never);
  device.fillDisk();
  const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "REMOVED", present_version: "1" };
  device.studio.answer = () => [row];
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.equal(device.engine.status(container), undefined);
  assert.equal(device.apps.diskUses(), undefined);
  device.freeDisk();
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.deepEqual(device.apps.diskUses(), []);
});

Deno.test("ports that a full disk cannot store are saved at Studio, and are the same after a restart", async () => {
  await using device = new FakeDevice({ "1": { pullMs: 1_000 } });
  await device.request("RUNNING", { ports: [{ port: 8080 }] }, { ms: 500 });
  assert.equal(device.state, "DOWNLOADING");
  device.fillDisk();
  await device.advance(10_000);
  assert.equal(device.state, "RUNNING");
  const entries = () => device.studio.ports.at(-1)?.ports.map(({ hostPort }) => hostPort);
  const [chosen] = entries() ?? [];
  assert.ok(chosen !== undefined && chosen >= 40_000);
  const kept = () => String(device.database.first("SELECT ports FROM RequestedAppStates")?.ports);
  assert.ok(!kept().includes(String(chosen)), "the disk is full");
  await device.stopAgent();
  device.startAgent();
  device.studio.ports.length = 0;
  device.studio.answer = () => {
    throw new Error("the backend is away");
  };
  await device.apps.reconcileLocal(never);
  await Promise.all([assert.rejects(device.apps.reconcileRemote(never)), device.advance(5_000)]);
  assert.deepEqual(entries(), [chosen]);
  assert.ok(kept().includes(String(chosen)));
});

Deno.test("an update that a full disk has stopped is tried again, also when the version before takes long to start", async () => {
  await using device = new FakeDevice({ "1": {}, "2": {} });
  await device.request("RUNNING");
  const { remove, start } = device.engine;
  // The container of version 1 is gone, and nothing can be stored.
  device.engine.remove = async (...call) => {
    await remove.apply(device.engine, call);
    device.fillDisk();
    device.engine.remove = remove;
  };
  device.engine.start = async (...call) => {
    device.freeDisk();
    await device.clock.sleep(12_000);
    return await start.apply(device.engine, call);
  };
  const entries = await device.request("RUNNING", update, { ms: 5_000 });
  assert.ok(entries.some((entry) => entry.startsWith('"The update to version 2 will be tried again')), `${entries}`);
  await device.advance(120_000);
  assert.deepEqual([device.state, device.tags], ["RUNNING", ["2"]]);
});
