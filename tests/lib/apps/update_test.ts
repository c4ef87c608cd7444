import assert from "node:assert/strict";
import { container, FakeDevice } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };

function states(entries: readonly string[]): string[] {
  return entries.filter((entry) => !entry.startsWith('"'));
}

/** A device on which version 1 runs, as release 7. */
async function running(releases: ConstructorParameters<typeof FakeDevice>[0]): Promise<FakeDevice> {
  const device = new FakeDevice(releases);
  await device.request("RUNNING", { release_key: 7 });
  assert.equal(device.state, "RUNNING");
  return device;
}

Deno.test("M63: a release that dies at once is rolled back, and the reason is reported", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  const entries = await device.request("RUNNING", update, { ms: 5_000 });
  assert.deepEqual(entries, [
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
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 7);
  assert.deepEqual(device.tags, ["1"]);
  assert.equal(device.engine.status(container), "running");
});

Deno.test("a release that dies eight seconds after its start is rolled back", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 8_000, exitCode: 4 } });
  const entries = await device.request("RUNNING", update, { ms: 15_000 });
  assert.deepEqual(states(entries).slice(-4), [
    "STARTING completed",
    "RUNNING completed",
    "STARTING canceled",
    "RUNNING canceled",
  ]);
  assert.ok(
    entries.includes('"The update to version 2 has failed (exited with status code 4), returning to version 1"'),
  );
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 7);
  assert.deepEqual(device.tags, ["1"]);
});

Deno.test("a Studio that stops answering does not keep the app down between the two versions", async () => {
  await using device = await running({ "1": {}, "2": { pullMs: 1_000 } });
  await device.request("RUNNING", update, { ms: 900 });
  device.studio.isAnswering = false;
  const before = (await device.engine.inspect(container, never))?.id;
  await device.advance(110);
  const seen = await device.engine.inspect(container, never);
  assert.equal(seen?.status, "running");
  assert.notEqual(seen?.id, before, "the switch is over");
});

Deno.test("reports of a switch arrive in order and with the right update status, however slowly Studio takes them", async () => {
  await using device = await running({ "1": {}, "2": {} });
  device.studio.onReport = () => device.clock.sleep(300);
  const entries = await device.request("RUNNING", update, { ms: 5_000 });
  assert.deepEqual(states(entries), [
    "UPDATING",
    "PRESENT pending_remote_confirmation",
    "STARTING completed",
    "RUNNING completed",
  ]);
});

Deno.test("an image that is not the one that was pulled does not stop the app, and is tried again later", async () => {
  const digest = `sha256:${"a".repeat(64)}`;
  await using device = await running({ "1": {}, "2": { digest, hasMoved: true } });
  const entries = await device.request("RUNNING", update, { ms: 3_000 });
  assert.ok(
    entries.some((entry) => entry.includes("is not the one that was pulled, sha256:aaa")),
    JSON.stringify(entries),
  );
  assert.equal(device.engine.status(container), "running");
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 7);
  device.engine.registry.set(`r.example.com/apps/prod_amd64_7_shop:2`, { digest });
  assert.ok(states(await device.advance(60_000)).includes("RUNNING completed"));
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 8);
});

Deno.test("the image of the version before is removed once the new one has run for a minute", async () => {
  await using device = await running({ "1": {}, "2": {} });
  await device.request("RUNNING", update, { ms: 5_000 });
  assert.deepEqual(device.tags, ["1", "2"]);
  await device.advance(50_000);
  assert.deepEqual(device.tags, ["1", "2"]);
  await device.advance(10_000);
  assert.deepEqual(device.tags, ["2"]);
  assert.equal(device.state, "RUNNING");
});

Deno.test("a release that has proven itself is not rolled back after a later crash", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 90_000, exitCode: 1 } });
  await device.request("RUNNING", update, { ms: 5_000 });
  const entries = await device.advance(100_000);
  assert.ok(entries.includes('"Entered a crashloop (1st attempt), retrying in 5s"'));
  assert.deepEqual(device.tags, ["2"]);
});

Deno.test("a failed release is left alone on connects and restarts until Studio requests it or another one", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 }, "3": {} });
  await device.request("RUNNING", update, { ms: 5_000 });
  const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", ...update, present_version: "2" };
  device.studio.answer = () => [row];
  device.studio.clear();
  await Promise.all([device.apps.reconcileLocal(never), device.advance(1)]);
  await Promise.all([device.apps.reconcileRemote(never), device.advance(10_000)]);
  await device.stopAgent();
  device.startAgent();
  await Promise.all([device.apps.reconcileLocal(never), device.advance(10_000)]);
  await Promise.all([device.apps.reconcileRemote(never), device.advance(100_000)]);
  assert.deepEqual(states(device.studio.entries).filter((entry) => !entry.startsWith("RUNNING")), []);
  assert.deepEqual(device.tags, ["1"]);

  assert.equal(
    states(await device.request("RUNNING", update, { ms: 5_000 }))[0]?.split(" ")[0],
    "UPDATING",
    "requested again",
  );
  assert.deepEqual(device.tags, ["1"]);
  const entries = await device.request("RUNNING", { ...update, newest_version: "3", new_release_key: 9 }, {
    ms: 70_000,
  });
  assert.equal(entries.at(-1), '"Now running app Shop (3)"');
  assert.deepEqual(device.tags, ["3"]);
});

const marks: [mark: string, given: { os?: string; architecture?: string }, isWarned: boolean][] = [
  ["linux/386", { architecture: "386" }, true],
  ["no architecture", { architecture: "" }, false],
  ["nothing", { os: "", architecture: "" }, false],
  ["x86_64", { architecture: "x86_64" }, false],
  ["linux/arm64", { architecture: "arm64" }, true],
  ["linux/arm/v7", { architecture: "arm/v7" }, true],
  ["an unknown machine", { architecture: "pdp11" }, true],
  ["windows/amd64", { os: "windows" }, true],
];

for (const [mark, given, isWarned] of marks) {
  Deno.test(`#3: a release that is marked ${mark} and runs here is updated to, from one that is marked alike`, async () => {
    await using device = await running({ "1": given, "2": given });
    const entries = await device.request("RUNNING", update, { ms: 5_000 });
    assert.equal(entries.at(-1), '"Now running app Shop (2)"');
    assert.equal(entries.some((entry) => entry.startsWith('"The image is marked for ')), isWarned, entries.join("\n"));
    assert.deepEqual(states(entries).at(-1), "RUNNING completed");
  });
}

Deno.test("#3: a release that the engine refuses to run is rolled back, and Studio hears that it was canceled", async () => {
  await using device = await running({ "1": {}, "2": { architecture: "arm64", cannotRun: true } });
  const entries = await device.request("RUNNING", update, { ms: 5_000 });
  assert.ok(
    entries.some((entry) => /"The update to version 2 has failed .*exec format error/.test(entry)),
    entries.join("\n"),
  );
  assert.deepEqual(states(entries).at(-1), "RUNNING canceled");
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 7);
  assert.deepEqual(device.tags, ["1"]);
  assert.deepEqual(states(await device.advance(3_600_000)).filter((entry) => entry.startsWith("UPDATING")).length, 1);
});

const refusals: [name: string, change: Record<string, unknown>][] = [
  ["without a release", { ...update, newest_version: "" }],
];

for (const [name, change] of refusals) {
  Deno.test(`#3: an update ${name} is refused: the app goes on, and Studio hears that it was canceled`, async () => {
    await using device = await running({ "1": {}, "2": {} });
    const before = await device.engine.inspect(container, never);
    const entries = await device.request("RUNNING", change, { ms: 5_000 });
    assert.deepEqual(states(entries), ["RUNNING canceled"], entries.join("\n"));
    assert.equal((await device.engine.inspect(container, never))?.id, before?.id);
    assert.deepEqual(states(await device.advance(3_600_000)), ["RUNNING canceled"]);
  });
}

Deno.test("#3: Studio hears again that an update was canceled when it asks after a restart of the agent", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  await device.request("RUNNING", update, { ms: 5_000 });
  await device.stopAgent();
  device.startAgent();
  device.studio.answer = () => [{
    ...{ app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", present_version: "1" },
    ...update,
  }];
  device.studio.clear();
  await Promise.all([device.apps.reconcileLocal(never), device.advance(10_000)]);
  await Promise.all([device.apps.reconcileRemote(never), device.advance(10_000)]);
  assert.equal(states(device.studio.entries).at(-1), "RUNNING canceled");
});

Deno.test("the version before comes back with exactly the settings that it had, until the next request", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  const before = await device.engine.settingsOf(container, never);
  await device.request("RUNNING", { ...update, environment: { LEVEL: { value: "new" } } }, { ms: 5_000 });
  assert.deepEqual(await device.engine.settingsOf(container, never), before);
  await device.request("PRESENT", { newest_version: "2" });
  await device.request("RUNNING", { newest_version: "2", environment: { LEVEL: { value: "new" } } });
  const after = await device.engine.settingsOf(container, never);
  assert.ok(Array.isArray(after?.Env) && after.Env.includes("LEVEL=new"));
});

Deno.test("an engine that restarts during a probation is not the fault of the release", async () => {
  await using device = await running({ "1": {}, "2": {} });
  await device.request("RUNNING", update, { ms: 5_000 });
  device.engine.goAway();
  await device.advance(2_000);
  device.engine.comeBack();
  await device.advance(70_000);
  assert.equal(device.state, "RUNNING");
  assert.deepEqual(device.tags, ["2"]);
});

Deno.test("an agent that is restarted goes on watching the release", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 20_000, exitCode: 5 } });
  await device.request("RUNNING", update, { ms: 5_000 });
  await device.stopAgent();
  device.startAgent();
  await device.apps.reconcileLocal(never);
  await device.advance(30_000);
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 7);
  assert.equal(device.studio.entries.at(-1), '"Now running app Shop (1)"');
});

Deno.test("a dead link delays an update by seconds and does not stop the app", async () => {
  await using device = await running({ "1": {}, "2": {} });
  device.studio.isAnswering = false;
  await device.request("RUNNING", update, { ms: 29_000 });
  assert.equal(device.state, "UPDATING", "the download waits for its login while the app runs");
  assert.equal(device.engine.status(container), "running");
  await device.advance(7_000);
  assert.equal(device.state, "RUNNING");
  assert.equal((await device.engine.inspect(container, never))?.image.split(":")[1], "2");
});

Deno.test("a stopped app is updated, and its first run is the probation", async () => {
  await using device = await running({ "1": {}, "2": { livesMs: 100, exitCode: 3 } });
  await device.request("PRESENT");
  const entries = await device.request("PRESENT", update, { ms: 2_000 });
  assert.deepEqual(states(entries), ["UPDATING", "PRESENT pending_remote_confirmation"]);
  await device.request("RUNNING", { present_version: "2", newest_version: "2" }, { ms: 5_000 });
  assert.equal(device.studio.entries.at(-1), '"Now running app Shop (1)"');
  assert.deepEqual(device.tags, ["1"]);
});
