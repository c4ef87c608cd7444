/** Rules that every agent keeps, by their numbers, as far as no other test has them. */

import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { container, FakeDevice } from "../../fakes/fake_device.ts";

const never = new AbortController().signal;
const dev = { app_key: 9, app_name: "Fan", stage: "DEV", current_state: "TRANSFERED", target_state: "BUILT" };

Deno.test("M8: the version that Studio names as installed counts", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  await device.request("PRESENT", { present_version: "2", newest_version: "2" });
  await device.request("RUNNING", { present_version: "", newest_version: "" });
  assert.deepEqual([device.state, device.tags.includes("2")], ["RUNNING", true]);
});

Deno.test("M11: a start and a connect neither build nor touch a DEV app, nor download for a PROD app", async () => {
  await using device = new FakeDevice();
  await device.request("BUILT", dev);
  // The upload is looked for on a real disk, and is not there.
  for (let tries = 0; device.state !== "FAILED" && tries < 500; tries++) await device.advance(10);
  assert.equal(device.state, "FAILED");
  device.studio.isConnected = false;
  await device.request("RUNNING", { present_version: "2" }, { ms: 0 });
  await device.stopAgent();
  const pulled = device.engine.pulledAtMs.length;
  device.startAgent();
  device.studio.clear();
  await device.apps.reconcileLocal(never);
  await device.advance(60_000);
  const states = () => device.apps.list().filter(({ id }) => id.stage === "DEV").map(({ state }) => state);
  // The engine has nothing of it.
  assert.deepEqual(states(), ["REMOVED"]);
  assert.equal(device.engine.pulledAtMs.length, pulled);
  device.studio.isConnected = true;
  device.studio.answer = () => [dev];
  const connected = device.apps.reconcileRemote(never, { isRepeated: false });
  await device.advance(60_000);
  await connected;
  assert.deepEqual(states(), ["REMOVED"]);
  assert.ok(!device.studio.entries.some((entry) => /BUILDING|BUILT/.test(entry)), device.studio.entries.join());
});

Deno.test("M18: a download may take hours", async () => {
  const long = 4 * 3_600_000;
  await using device = new FakeDevice({ "1": { pullMs: long } });
  await device.request("RUNNING");
  await device.advance(long - 10_000);
  assert.equal(device.state, "DOWNLOADING");
  await device.advance(20_000);
  assert.equal(device.state, "RUNNING");
});

Deno.test("M20: a container that is gone before the agent removes it is no failure", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  const { engine } = device;
  const remove = engine.remove.bind(engine);
  engine.remove = async (name, options) => {
    await remove(name, options);
    throw new AgentError("container_missing", "No such container");
  };
  assert.equal((await device.request("REMOVED")).at(-1)?.startsWith("FAILED"), false);
  assert.equal(device.state, undefined);
});

Deno.test("M22: a removal that fails ends as FAILED, and REMOVED is never reported", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  device.engine.remove = () => Promise.reject(new AgentError("engine_failed", "device or resource busy"));
  const entries = await device.request("UNINSTALLED");
  assert.deepEqual(entries.filter((entry) => !entry.startsWith('"')), ["DELETING", "FAILED"]);
});

Deno.test("M36: an engine without the runtime for a GPU runs the app without it", async () => {
  await using device = new FakeDevice({ "1": {} }, () => ({ hasGpu: () => Promise.resolve(true) }));
  const { engine } = device;
  const create = engine.create.bind(engine);
  const asked: boolean[] = [];
  engine.create = (name, body, signal) => {
    asked.push(JSON.stringify(body).includes("nvidia"));
    if (asked.length > 1) return create(name, body, signal);
    return Promise.reject(new AgentError("engine_refused", "unknown or invalid runtime name: nvidia"));
  };
  await device.request("RUNNING");
  assert.deepEqual(asked, [true, false]);
  assert.equal(device.state, "RUNNING");
});

Deno.test("M54: containers of others come and go without a word or a call", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  device.engine.stock("foreign:1", { livesMs: 1_000, exitCode: 1 });
  device.studio.clear();
  for (const name of ["somebodys", "prod_7_shop_2", "build_step"]) {
    await device.engine.start(await device.engine.create(name, { Image: "foreign:1" }, never), never);
  }
  assert.deepEqual(await device.advance(5_000), []);
  assert.equal(device.engine.status(container), "running");
  assert.equal(device.engine.status("somebodys"), "exited");
});
