import assert from "node:assert/strict";
import { EngineError } from "../../../lib/docker/errors.ts";
import { RegistryBusyError } from "../../../lib/docker/retry_after.ts";
import { FakeDevice, repository } from "../../fakes/fake_device.ts";

const update = { newest_version: "2", new_release_key: 8, request_update: true };
const prefix = '"Error occured while trying to pull the image: ';

function refusal(engineText: string): EngineError {
  return new EngineError("pull_failed", `Pulling failed: ${engineText}`, { engineText });
}

function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

Deno.test("#14: a registry that is away is asked again within 30 s, however long it has been away", async () => {
  await using device = new FakeDevice();
  device.engine.pullFailure = refusal("received unexpected HTTP status: 502 Bad Gateway");
  await device.request("RUNNING");
  await device.advance(3_600_000);
  const waits = gaps(device.engine.pulledAtMs);
  assert.ok(waits.length > 120 && waits.every((ms) => ms < 30_000), waits.join());
  device.engine.pullFailure = undefined;
  await device.advance(30_000);
  assert.equal(device.state, "RUNNING");
});

Deno.test("#14: failed downloads do not lengthen the wait after the app's first crash", async () => {
  await using device = new FakeDevice({ "1": { livesMs: 100, exitCode: 1 } });
  device.engine.pullFailure = refusal("received unexpected HTTP status: 502 Bad Gateway");
  await device.request("RUNNING");
  await device.advance(600_000);
  device.engine.pullFailure = undefined;
  const entries = await device.advance(31_000);
  assert.ok(entries.includes('"Entered a crashloop (1st attempt), retrying in 5s"'), entries.slice(-8).join("\n"));
});

Deno.test("#14: without a link the waits grow, and the next connect begins the download", async () => {
  await using device = new FakeDevice();
  device.engine.pullFailure = refusal("dial tcp: lookup r.example.com: no such host");
  await device.request("RUNNING");
  device.studio.isConnected = false;
  await device.advance(3_600_000);
  const waits = gaps(device.engine.pulledAtMs);
  assert.ok(Math.max(...waits) > 60_000 && waits.length < 30, waits.join());
  device.studio.isConnected = true;
  device.engine.pullFailure = undefined;
  device.studio.answer = () => [{
    ...{ app_key: 7, app_name: "Shop", stage: "PROD", target_state: "RUNNING" },
    ...{ present_version: "1", newest_version: "1" },
  }];
  await Promise.all([device.apps.reconcileLocal(new AbortController().signal), device.advance(1)]);
  await Promise.all([device.apps.reconcileRemote(new AbortController().signal), device.advance(2_000)]);
  assert.equal(device.state, "RUNNING");
});

Deno.test("#14: a registry that asks for a pause is not asked before it is over, for any app", async () => {
  const askedAtMs: number[] = [];
  let isBusy = true;
  await using device = new FakeDevice({ "1": {} }, () => ({
    checkPull: () => {
      askedAtMs.push(device.clock.now());
      if (isBusy) return Promise.reject(new RegistryBusyError("Registry asks for a pause of 20 s", 20_000));
      return Promise.resolve({ kind: "fits" });
    },
  }));
  device.engine.registry.set(repository.replace("7_shop", "8_bank:1"), {});
  await device.request("RUNNING", {}, { ms: 100 });
  const entries = await device.request("RUNNING", { app_key: 8, app_name: "Bank" }, { ms: 100 });
  assert.ok(entries.some((entry) => entry.startsWith(`${prefix}Registry "r.example.com" has asked for a pause`)));
  assert.deepEqual([askedAtMs.length, device.engine.pulledAtMs.length], [1, 0]);
  await device.advance(19_700);
  assert.deepEqual([askedAtMs.length, device.engine.pulledAtMs.length], [1, 0]);
  isBusy = false;
  await device.advance(6_000);
  assert.deepEqual(device.apps.list().map(({ state }) => state), ["RUNNING", "RUNNING"]);
  assert.ok((askedAtMs[1] ?? 0) - (askedAtMs[0] ?? 0) > 20_000);
});

Deno.test("#14: an engine that was refused for too many pulls does not ask again for 25 s", async () => {
  await using device = new FakeDevice();
  device.engine.pullFailure = refusal("toomanyrequests: You have reached your pull rate limit");
  const entries = await device.request("RUNNING");
  assert.ok(entries.some((entry) => entry.startsWith(`${prefix}Error response from daemon: toomanyrequests: `)));
  await device.advance(60_000);
  assert.ok(
    gaps(device.engine.pulledAtMs).every((ms) => ms > 25_000 && ms < 30_000),
    gaps(device.engine.pulledAtMs).join(),
  );
});

Deno.test("#14: an update waits for the registry while the app runs", async () => {
  await using device = new FakeDevice();
  await device.request("RUNNING");
  device.engine.pullFailure = refusal("toomanyrequests: slow down");
  const entries = await device.request("RUNNING", update, { ms: 3_000 });
  assert.ok(entries.some((entry) => /version 2 will be tried again in 2\d s/.test(entry)), entries.join("\n"));
  assert.equal(device.state, "RUNNING");
  device.engine.pullFailure = undefined;
  await device.advance(30_000);
  assert.equal(device.studio.entries.at(-1), '"Now running app Shop (2)"');
});

Deno.test("#2: a check that the registry does not answer delays a pull by two seconds at most", async () => {
  await using device = new FakeDevice({ "1": {} }, () => ({
    checkPull: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  }));
  await device.request("RUNNING", {}, { ms: 3_000 });
  assert.equal(device.state, "RUNNING");
});

Deno.test("#2: a late answer that the image does not fit ends the pull", async () => {
  await using device = new FakeDevice({ "1": { pullMs: 60_000 } }, () => ({
    checkPull: async () => {
      await device.clock.sleep(10_000);
      return { kind: "noSpace", neededBytes: 3_000, freeBytes: 1_000 };
    },
  }));
  const entries = await device.request("RUNNING", {}, { ms: 11_000 });
  assert.ok(entries.includes("DOWNLOADING"));
  assert.ok(entries.some((entry) => entry.startsWith(`${prefix}there is not enough room`)), entries.join("\n"));
  assert.equal(device.state, "FAILED");
});
