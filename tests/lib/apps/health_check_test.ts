import assert from "node:assert/strict";
import { container, FakeDevice } from "../../fakes/fake_device.ts";

const update = { newest_version: "2", new_release_key: 8, request_update: true };
const sick = { status: "unhealthy", output: "no answer on port 80" } as const;

/** A device on which version 1 runs. */
async function running(): Promise<FakeDevice> {
  const device = new FakeDevice({ "1": {}, "2": {} });
  await device.request("RUNNING", { release_key: 7 });
  assert.equal(device.state, "RUNNING");
  return device;
}

Deno.test("#13: a release whose health check says no on probation is rolled back", async () => {
  await using device = await running();
  await device.request("RUNNING", update, { ms: 5_000 });
  device.engine.check(container, sick);
  const entries = await device.advance(5_000);
  assert.deepEqual(
    entries.slice(-6),
    [
      '"Shop (PROD) is unhealthy: no answer on port 80"',
      '"The update to version 2 has failed (is unhealthy: no answer on port 80), returning to version 1"',
      '"Starting Shop..."',
      "STARTING canceled",
      "RUNNING canceled",
      '"Now running app Shop (1)"',
    ],
  );
  assert.deepEqual(device.tags, ["1"]);
});

Deno.test("#13: a health check that says no later is in the app's log, once for each change", async () => {
  await using device = await running();
  device.studio.clear();
  device.engine.check(container, sick);
  await device.advance(1_000);
  device.engine.check(container, sick);
  await device.advance(120_000);
  device.engine.check(container, { status: "healthy", output: "fine" });
  await device.advance(1_000);
  device.engine.check(container, { status: "unhealthy", output: "" });
  assert.deepEqual(await device.advance(1_000), [
    '"Shop (PROD) is unhealthy: no answer on port 80"',
    '"Shop (PROD) is healthy again"',
    '"Shop (PROD) is unhealthy"',
  ]);
  assert.equal(device.state, "RUNNING");
});

Deno.test("#13: a health check that says yes, and the lack of one, change nothing", async () => {
  await using device = await running();
  await device.request("RUNNING", update, { ms: 5_000 });
  device.studio.clear();
  device.engine.check(container, { status: "healthy", output: "fine" });
  assert.deepEqual(await device.advance(120_000), []);
  assert.deepEqual(device.tags, ["2"]);
});
