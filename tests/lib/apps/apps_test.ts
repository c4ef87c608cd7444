import assert from "node:assert/strict";
import { container, FakeDevice } from "../../fakes/fake_device.ts";

const running = '"Now running app Shop (1)"';
const update = { newest_version: "2", new_release_key: 8, request_update: true };

/** The states among the entries. */
function states(entries: readonly string[]): string[] {
  return entries.filter((entry) => !entry.startsWith('"'));
}

Deno.test("M12: a target that is reached already is reported once, and nothing is touched", async () => {
  await using device = new FakeDevice();
  assert.equal((await device.request("RUNNING")).at(-1), running);
  assert.deepEqual(await device.request("RUNNING"), ["RUNNING"]);
});

Deno.test("the removal of an app that is not there is reported, and leaves no row", async () => {
  await using device = new FakeDevice();
  assert.deepEqual(await device.request("REMOVED"), ["REMOVED"]);
  assert.equal(device.state, undefined);
});

Deno.test("M64: every first install reports the release of its request", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING", { release_key: 7 });
  await device.request("RUNNING", update);
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 8);
  await device.request("REMOVED");
  await device.request("RUNNING", { release_key: 7 });
  const last = device.studio.reports.at(-1);
  assert.deepEqual([last?.state, last?.releaseKey, last?.updateStatus], ["RUNNING", 7, ""]);
});

Deno.test("M3: an app ends in the target that was set during its update", async () => {
  await using device = new FakeDevice({ "1": {}, "2": { pullMs: 1_000 } });
  await device.request("RUNNING");
  await device.request("RUNNING", update, { ms: 100 });
  assert.equal(device.state, "UPDATING");
  await device.request("RUNNING", { ...update, cancel_transition: false }, { ms: 0 });
  const entries = await device.advance(5_000);
  assert.equal(entries.at(-1), '"Now running app Shop (2)"');
  await device.advance(60_000);
  assert.deepEqual(device.tags, ["2"]);
});

Deno.test("M2: a newer version that is requested during an update is installed after it", async () => {
  await using device = new FakeDevice({ "1": {}, "2": { pullMs: 1_000 }, "3": {} });
  await device.request("RUNNING");
  await device.request("RUNNING", update, { ms: 100 });
  const entries = await device.request("RUNNING", { ...update, newest_version: "3", new_release_key: 9 }, {
    ms: 5_000,
  });
  assert.equal(entries.at(-1), '"Now running app Shop (3)"');
  assert.equal(device.studio.reports.at(-1)?.releaseKey, 9);
});

Deno.test("M1: a request at the moment a state is reached is carried out, however often that happens", async () => {
  await using device = new FakeDevice({ "1": {} });
  const known = { app_key: 7, app_name: "Shop", stage: "PROD", present_version: "1", newest_version: "1" };
  const opposite = new Map([["RUNNING", "PRESENT"], ["PRESENT", "RUNNING"]]);
  const requested: string[] = [];
  device.studio.onReport = async () => {
    const target = opposite.get(device.state ?? "");
    if (target === undefined || requested.length === 60) return;
    requested.push(target);
    await device.apps.request({ ...known, target_state: target });
  };
  await device.request("RUNNING", {}, { ms: 120_000 });
  assert.equal(requested.length, 60);
  assert.deepEqual([device.state, device.studio.reports.at(-1)?.state], [requested.at(-1), requested.at(-1)]);
});

Deno.test("M6: a removal with a pending update does not update", async () => {
  for (const target of ["REMOVED", "UNINSTALLED"]) {
    await using device = new FakeDevice();
    await device.request("RUNNING");
    const entries = await device.request(target, update);
    assert.ok(!entries.includes("UPDATING"), target);
    assert.equal(device.state, undefined);
  }
});

Deno.test("an app that has run for ten minutes starts its crash loop from the beginning", async () => {
  await using device = new FakeDevice({ "1": {} });
  await device.request("RUNNING");
  const crash = async () => {
    device.studio.clear();
    device.engine.kill(container);
    return (await device.advance(0)).at(-1);
  };
  assert.equal(await crash(), '"Entered a crashloop (1st attempt), retrying in 5s"');
  await device.advance(6_000);
  assert.equal(await crash(), '"Entered a crashloop (2nd attempt), retrying in 20s"');
  await device.advance(20_000 + 500 + 599_000);
  assert.equal(await crash(), '"Entered a crashloop (3rd attempt), retrying in 45s"');
  await device.advance(45_000 + 500 + 600_000);
  assert.equal(await crash(), '"Entered a crashloop (1st attempt), retrying in 5s"');
});

Deno.test("M24: a request ends a crash loop and is carried out at once", async () => {
  await using device = new FakeDevice({ "1": { livesMs: 0, exitCode: 3 } });
  await device.request("RUNNING");
  const entries = await device.request("PRESENT");
  assert.deepEqual(states(entries), ["PRESENT"]);
  assert.deepEqual(states(await device.advance(3_600_000)), ["PRESENT"]);
});

Deno.test("a crash loop goes on with the latest request, not with the one that failed first", async () => {
  await using device = new FakeDevice({ "1": { livesMs: 0, exitCode: 3 } });
  await device.request("RUNNING");
  await device.apps.request({ app_key: 7, app_name: "Shop", stage: "PROD", target_state: "REMOVED" });
  await device.advance(60_000);
  assert.equal(device.state, undefined);
  assert.equal(device.studio.reports.at(-1)?.state, "REMOVED");
});

Deno.test("an app runs although nothing can be reported", async () => {
  await using device = new FakeDevice();
  device.studio.isConnected = false;
  await device.request("RUNNING");
  assert.equal(device.state, "RUNNING");
  assert.deepEqual(device.studio.reports, []);
});

Deno.test("an engine that goes away during a start makes it fail, and its return repeats it at once", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING", {}, { ms: 100 });
  device.engine.goAway();
  await device.advance(1_000);
  assert.equal(device.state, "FAILED");
  device.engine.comeBack();
  await device.advance(3_500);
  assert.equal(device.state, "RUNNING");
  assert.equal(device.engine.status(container), "running");
});

Deno.test("the agent can end at any moment and leaves the container alone", async () => {
  await using device = new FakeDevice({ "1": { pullMs: 1_000 } });
  await device.request("RUNNING", {}, { ms: 500 });
  await device.stopAgent();
  device.startAgent();
  await device.apps.reconcileLocal(new AbortController().signal);
  assert.equal(device.state, "REMOVED");
  await device.request("RUNNING", {}, { ms: 5_000 });
  await device.stopAgent();
  assert.equal(device.engine.status(container), "running");
  device.startAgent();
});

Deno.test("a DEV app without an image fails with a hint, and is not tried again", async () => {
  await using device = new FakeDevice();
  assert.deepEqual(await device.request("RUNNING", { stage: "DEV" }, { ms: 3_600_000 }), [
    ...['"Starting Shop..."', "STARTING", '"The image of the app is not on this device, build the app again"'],
    '"The app failed to start, reason: No such image: r.example.com/apps/dev_amd64_7_shop:latest"',
    "FAILED",
  ]);
});

Deno.test("M65: a rejected request leaves nothing behind", async () => {
  await using device = new FakeDevice();
  await assert.rejects(device.apps.request({ app_name: "Shop", stage: "PROD", target_state: "RUNNING" }));
  await assert.rejects(device.apps.request({ app_key: 7, app_name: "Shop", stage: "PROD", target_state: "STOPPED" }));
  assert.deepEqual(device.apps.list(), []);
});
