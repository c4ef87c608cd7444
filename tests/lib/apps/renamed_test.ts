/** An app that gets another name while it is on the device. */

import assert from "node:assert/strict";
import type { Release } from "../../fakes/fake_engine.ts";
import { FakeDevice, repository } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;

const old = "prod_7_shop";
const renamed = "prod_7_new";
const newRepository = "r.example.com/apps/prod_amd64_7_new";
const newName = { app_name: "New" };

/** A device on which version 1 of the app runs under its first name; the registry has these images of the other one. */
async function runningDevice(releases: Record<string, Release> = { "1": {}, "2": {} }): Promise<FakeDevice> {
  const device = new FakeDevice();
  for (const [tag, release] of Object.entries(releases)) device.engine.registry.set(`${newRepository}:${tag}`, release);
  await device.request("RUNNING");
  return device;
}

/** Names and status of all containers. */
async function containersOf(device: FakeDevice): Promise<string[]> {
  return (await device.engine.listContainers(never)).map(({ names, state }) => `${names[0]} ${state}`).sort();
}

/** What Studio answers when it is asked for all apps. */
function rowOf(change: Record<string, unknown> = {}): Record<string, unknown> {
  const row = { app_key: 7, app_name: "New", stage: "PROD", target_state: "RUNNING" };
  return { ...row, present_version: "1", newest_version: "1", ...change };
}

async function connect(device: FakeDevice): Promise<void> {
  await Promise.all([device.apps.reconcileRemote(never), device.advance(10_000)]);
}

Deno.test("#7: a new name leads to one container under it, in one transition, and nothing else is left", async () => {
  await using device = await runningDevice({ "1": { pullMs: 5_000 } });
  const during: string[][] = [];
  device.studio.onReport = async () => void during.push(await containersOf(device));
  const entries = await device.request("RUNNING", newName, { ms: 10_000 });
  assert.deepEqual(entries, [
    "LOGGER_CLEAR",
    '"Starting New..."',
    "STARTING",
    `"The app Shop is now called New; its data from before is kept in ${device.folder}"`,
    '"Initialising download for the app: New..."',
    "DOWNLOADING",
    '"Succesfully installed the app: New (Version: 1)"',
    "PRESENT",
    "RUNNING",
    '"Now running app New (1)"',
  ]);
  assert.deepEqual(await containersOf(device), [`${renamed} running`]);
  assert.deepEqual(device.engine.images, [`${newRepository}:1`]);
  assert.deepEqual(
    during.slice(0, 3),
    [[`${old} running`], [`${old} running`], [`${old} running`]],
    "until it is there",
  );
  assert.deepEqual(await device.request("RUNNING", newName, { ms: 120_000 }), ["RUNNING"], "and that was all");
});

Deno.test("#7: a new name that comes in the last steps of a start begins with the next transition", async () => {
  await using device = new FakeDevice();
  device.engine.registry.set(`${newRepository}:1`, {});
  let renaming: Promise<unknown> | undefined;
  device.studio.onReport = async () => {
    if (device.state === "RUNNING") renaming ??= device.apps.request(rowOf());
    await Promise.resolve();
  };
  const entries = await device.request("RUNNING", {}, { ms: 30_000 });
  await renaming;
  const said = entries.filter((entry) => entry.includes("Now running") || entry.includes("is now called"));
  assert.deepEqual(said, [
    '"Now running app Shop (1)"',
    `"The app Shop is now called New; its data from before is kept in ${device.folder}"`,
    '"Now running app New (1)"',
  ]);
  assert.deepEqual(await containersOf(device), [`${renamed} running`]);
});

Deno.test("#7: the old container is stopped in order, and its host port is that of the new one", async () => {
  await using device = await runningDevice();
  const ports = [{ port: 80, protocol: "tcp" }];
  await device.request("PRESENT");
  await device.request("RUNNING", { ports });
  const before = await device.engine.inspect(old, never);
  const stopped: string[] = [];
  const stop = device.engine.stop.bind(device.engine);
  device.engine.stop = async (id, options) => {
    stopped.push(id);
    await stop(id, options);
  };
  await device.request("RUNNING", { ...newName, ports });
  assert.deepEqual(stopped, [before?.id]);
  assert.deepEqual((await device.engine.inspect(renamed, never))?.portBindings, before?.portBindings);
});

Deno.test("#7: the name may come with an update, and a release that fails is replaced by the one before", async () => {
  const update = { ...newName, newest_version: "2", new_release_key: 8, request_update: true };
  for (const release of [{}, { livesMs: 100, exitCode: 3 }]) {
    await using device = await runningDevice({ "2": release });
    const entries = await device.request("RUNNING", update, { ms: 90_000 });
    const isGood = release.livesMs === undefined;
    assert.deepEqual(await containersOf(device), [`${renamed} running`]);
    assert.equal(device.state, "RUNNING");
    assert.deepEqual(device.engine.images, [`${newRepository}:${isGood ? 2 : 1}`], "the old image is good enough");
    assert.ok(entries.includes(isGood ? "RUNNING completed" : "RUNNING canceled"), entries.join());
    assert.equal(entries.includes("FAILED"), false);
  }
});

Deno.test("#7: the name may come from Studio's answer, and the old container is no orphan until it is replaced", async () => {
  await using device = await runningDevice({ "1": { pullMs: 5_000 } });
  await device.apps.reconcileLocal(never);
  device.studio.answer = () => [rowOf()];
  const connecting = device.apps.reconcileRemote(never);
  await device.advance(3_000);
  assert.deepEqual(await containersOf(device), [`${old} running`]);
  await Promise.all([connecting, device.advance(10_000)]);
  assert.deepEqual(await containersOf(device), [`${renamed} running`]);
  assert.deepEqual(device.engine.images, [`${newRepository}:1`]);
});

Deno.test("#7: a new name of a stopped app moves its image, and starts nothing", async () => {
  await using device = await runningDevice();
  await device.request("PRESENT");
  await device.request("PRESENT", newName);
  assert.deepEqual(await containersOf(device), []);
  assert.deepEqual(device.engine.images, [`${newRepository}:1`]);
  assert.equal(device.state, "PRESENT");
});

Deno.test("#7: an app that is stopped or removed under its new name leaves nothing under the old one", async () => {
  for (const target of ["PRESENT", "REMOVED", "UNINSTALLED"]) {
    await using device = await runningDevice();
    await device.request(target, newName, { ms: 10_000 });
    assert.deepEqual(await containersOf(device), [], target);
    assert.deepEqual(device.engine.images, target === "PRESENT" ? [`${newRepository}:1`] : [], target);
    assert.equal(device.state, target === "PRESENT" ? "PRESENT" : undefined, target);
  }
});

Deno.test("#7: without an image under the new name the app goes on with the one it has", async () => {
  await using device = await runningDevice({});
  const entries = await device.request("RUNNING", newName, { ms: 10_000 });
  assert.deepEqual(await containersOf(device), [`${renamed} running`]);
  assert.deepEqual(device.engine.images, [`${newRepository}:1`]);
  assert.equal(entries.includes("FAILED"), false);
});

Deno.test("#7: a name that only differs in its case, and one that comes back, are no work", async () => {
  await using device = await runningDevice();
  assert.deepEqual(await device.request("RUNNING", { app_name: "SHOP" }), ["RUNNING"]);
  assert.deepEqual(await containersOf(device), [`${old} running`]);
  await device.request("RUNNING", newName);
  await device.request("RUNNING");
  assert.deepEqual(await containersOf(device), [`${old} running`]);
  assert.deepEqual(device.engine.images, [`${repository}:1`]);
});

Deno.test("#7: whenever the agent ends, the next one finishes, and the app is never on the device twice", async () => {
  for (let last = 1;; last += 1) {
    await using device = await runningDevice();
    let calls = 0;
    let stopping: Promise<void> | undefined;
    device.engine.onCall = () => {
      calls += 1;
      if (calls === last) stopping = device.stopAgent();
    };
    await device.request("RUNNING", newName);
    device.engine.onCall = () => {};
    if (stopping === undefined) {
      assert.ok(last > 15, `${last} calls`);
      break;
    }
    await stopping;
    device.startAgent();
    await device.apps.reconcileLocal(never);
    device.studio.answer = () => [rowOf()];
    await connect(device);
    assert.deepEqual(await containersOf(device), [`${renamed} running`], `ended at call ${last}`);
    assert.deepEqual(device.engine.images, [`${newRepository}:1`], `ended at call ${last}`);
  }
});

Deno.test("#7: the same after a power loss, offline", async () => {
  await using device = await runningDevice();
  device.engine.goAway();
  await device.advance(1_000);
  await device.request("RUNNING", newName, { ms: 0 });
  await device.stopAgent();
  device.engine.comeBack();
  device.engine.registry.delete(`${newRepository}:1`);
  device.startAgent();
  await device.apps.reconcileLocal(never);
  await device.advance(5_000);
  assert.deepEqual(await containersOf(device), [`${renamed} running`]);
  assert.equal(device.state, "RUNNING");
});

Deno.test("#7: a container that only has the name of the app's is left alone, and the app says why it cannot start", async () => {
  await using device = new FakeDevice();
  device.engine.stock("foreign:1", {});
  const id = await device.engine.create(old, { Image: "foreign:1", HostConfig: {} }, never);
  await device.engine.start(id, never);
  const entries = await device.request("RUNNING");
  assert.ok(entries.some((entry) => entry.includes("already in use")), entries.join());
  await device.request("UNINSTALLED");
  assert.deepEqual(await containersOf(device), [`${old} running`]);
  assert.deepEqual(device.engine.images, ["foreign:1"]);
});

Deno.test("#7: a container that somebody has renamed is still the app's, and gets its name back", async () => {
  await using device = await runningDevice();
  const body = await device.engine.settingsOf(old, never) ?? {};
  await device.request("PRESENT");
  const id = await device.engine.create("mine", body, never);
  await device.engine.start(id, never);
  await device.advance(61_000);
  assert.deepEqual(await containersOf(device), [], "a stopped app does not run under any name");
  await device.request("RUNNING");
  const other = await device.engine.create("mine", body, never);
  await device.engine.start(other, never);
  await device.advance(61_000);
  assert.deepEqual(await containersOf(device), [`${old} running`]);
  assert.equal(device.state, "RUNNING");
});
