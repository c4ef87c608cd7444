import assert from "node:assert/strict";
import { container, FakeDevice, repository } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const update = { newest_version: "2", new_release_key: 8, request_update: true };

/** A device on which version 1 runs, with an image of the app that an interrupted transition has left. */
async function littered(): Promise<FakeDevice> {
  const device = new FakeDevice({ "1": {}, "2": {} });
  await device.request("RUNNING");
  device.engine.stock(`${repository}:left`, {});
  return device;
}

Deno.test("an unneeded image is removed silently when an app is found as it should be", async () => {
  await using device = await littered();
  const before = await device.engine.inspect(container, never);
  assert.deepEqual(await device.request("RUNNING"), ["RUNNING"]);
  assert.deepEqual(device.tags, ["1"]);
  assert.equal((await device.engine.inspect(container, never))?.startedAt, before?.startedAt);
});

Deno.test("an unneeded image is removed on a connect as well", async () => {
  await using device = await littered();
  await device.apps.reconcileLocal(never);
  const row = { app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING", present_version: "1" };
  device.studio.answer = () => [row];
  await Promise.all([device.apps.reconcileRemote(never), device.advance(5_000)]);
  assert.deepEqual(device.tags, ["1"]);
});

Deno.test("the image of the fallback is kept while the new release is on probation", async () => {
  await using device = await littered();
  await device.request("RUNNING", update, { ms: 5_000 });
  device.engine.stock(`${repository}:left`, {});
  await device.request("RUNNING", { present_version: "2", newest_version: "2" });
  assert.deepEqual(device.tags, ["1", "2"]);
});

Deno.test("no image is removed of an app whose own image is missing, and of a DEV app", async () => {
  const wishes = [
    { present_version: "9", newest_version: "9" },
    { stage: "DEV", current_state: "RUNNING" },
  ];
  for (const wish of wishes) {
    await using device = await littered();
    const ofDevApp = "r.example.com/apps/dev_amd64_7_shop";
    for (const tag of ["1", "left"]) device.engine.stock(`${ofDevApp}:${tag}`, {});
    const before = device.engine.images;
    assert.deepEqual(await device.request("RUNNING", wish), ["RUNNING"], JSON.stringify(wish));
    assert.deepEqual(device.engine.images, before);
  }
});

Deno.test("an image that cannot be removed does no harm, and is removed the next time", async () => {
  await using device = await littered();
  const id = await device.engine.create("other", { Image: `${repository}:left`, HostConfig: {} }, never);
  assert.deepEqual(await device.request("RUNNING"), ["RUNNING"]);
  assert.deepEqual([device.state, device.tags], ["RUNNING", ["1", "left"]]);
  await device.engine.remove(id, { force: true, signal: never });
  await device.request("RUNNING");
  assert.deepEqual(device.tags, ["1"]);
});

Deno.test("an image that cannot be removed does not keep an app from starting", async () => {
  await using device = await littered();
  await device.engine.create("other", { Image: `${repository}:left`, HostConfig: {} }, never);
  await device.request("PRESENT");
  const entries = await device.request("RUNNING");
  assert.deepEqual([entries.at(-1), device.state], ['"Now running app Shop (1)"', "RUNNING"]);
});
