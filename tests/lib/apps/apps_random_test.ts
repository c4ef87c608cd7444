import assert from "node:assert/strict";
import { container, FakeDevice } from "../../fakes/fake_device.ts";

/** Random numbers from 0 to 1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

const releases = {
  "1": { pullMs: 300 },
  "2": { pullMs: 400 },
  "weak": { pullMs: 100, livesMs: 7_000, exitCode: 5 },
  "dies": { livesMs: 0, exitCode: 6 },
};
const targets = ["RUNNING", "RUNNING", "PRESENT", "REMOVED", "UNINSTALLED"];
const versions = ["1", "1", "2", "weak", "dies", "missing"];

/** Studio does not know which version is installed. */
const unknown = { present_version: "" };

const disturbances = [
  ...["request", "request", "request", "update", "kill", "remove", "engine", "link", "restart", "connect"] as const,
];

function pick<T>(list: readonly T[], random: () => number): T | undefined {
  return list[Math.floor(random() * list.length)];
}

/** Does one thing to the device that can happen at any moment. Returns what it was. */
async function disturb(device: FakeDevice, random: () => number): Promise<string> {
  const kind = pick(disturbances, random);
  switch (kind) {
    case "request":
      return await requestAnything(device, random);
    case "update": {
      const version = pick(versions, random);
      await device.request("RUNNING", { ...unknown, newest_version: version, request_update: true }, { ms: 0 });
      return `update to ${version}`;
    }
    case "kill":
      device.engine.kill(container);
      return "kill";
    case "remove":
      await device.engine.remove(container, { force: true, signal: new AbortController().signal }).catch(() => {});
      return "remove by hand";
    case "engine":
      device.engine.goAway();
      await device.advance(random() * 3_000);
      device.engine.comeBack();
      return "engine restart";
    case "link":
      device.studio.isConnected = !device.studio.isConnected;
      return "link";
    case "restart":
      await device.stopAgent();
      device.startAgent();
      await device.apps.reconcileLocal(new AbortController().signal);
      return "agent restart";
    case "connect":
    case undefined: {
      device.studio.isConnected = true;
      const connecting = device.apps.reconcileLocal(new AbortController().signal);
      await device.advance(2_000);
      await connecting;
      return "connect";
    }
  }
}

async function requestAnything(device: FakeDevice, random: () => number): Promise<string> {
  const target = pick(targets, random) ?? "RUNNING";
  const cancel = random() < 0.3;
  const version = pick(versions, random);
  await device.request(target, { ...unknown, newest_version: version, cancel_transition: cancel }, { ms: 0 });
  return `request ${target} ${version}${cancel ? " cancel" : ""}`;
}

/** What must be true once nothing happens any more. */
function assertSettled(device: FakeDevice, target: string, story: string): void {
  const isGone = target === "REMOVED" || target === "UNINSTALLED";
  assert.equal(device.state, isGone ? undefined : target, story);
  assert.equal(device.engine.status(container), target === "RUNNING" ? "running" : undefined, story);
  if (isGone) assert.deepEqual(device.tags, [], story);
  if (target === "RUNNING") assert.deepEqual(device.tags, ["1"], story);
  const last = device.studio.reports.at(-1)?.state;
  assert.equal(last, target, `${story}, entries ${JSON.stringify(device.studio.entries.slice(-8))}`);
}

Deno.test("whatever happens, the device ends as Studio wants it, reports that, and leaves nothing behind", async () => {
  for (let seed = 1; seed <= 24; seed += 1) {
    await using device = new FakeDevice(releases);
    const random = randomFrom(seed);
    const story: string[] = [`seed ${seed}`];
    await device.apps.reconcileLocal(new AbortController().signal);
    for (let count = 0; count < 12; count += 1) {
      story.push(await disturb(device, random));
      await device.advance(random() < 0.5 ? random() * 400 : random() * 8_000);
    }
    const target = ["RUNNING", "PRESENT", "REMOVED", "UNINSTALLED"][seed % 4] ?? "";
    device.studio.isConnected = true;
    await device.request(target, { ...unknown, newest_version: "1", request_update: true }, { ms: 150_000 });
    assertSettled(device, target, story.join("; "));
  }
});
