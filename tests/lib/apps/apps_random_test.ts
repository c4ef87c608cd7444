import assert from "node:assert/strict";
import { container, SmallWorld } from "../../fakes/fake_device.ts";

/** Numbers from 0 to 1 that are the same for the same seed. */
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

/** Studio leaves it to the device which version it has. */
const unknown = { present_version: "" };

/** Does one thing to the device that may come at any moment. */
async function disturb(world: SmallWorld, random: () => number): Promise<string> {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  const kind = pick(["ask", "ask", "ask", "update", "kill", "remove", "engine", "link", "restart", "connect"] as const);
  switch (kind) {
    case "ask": {
      const target = pick(targets) ?? "RUNNING";
      const cancel = random() < 0.3;
      const version = pick(versions);
      await world.ask(target, { ...unknown, newest_version: version, cancel_transition: cancel }, 0);
      return `ask ${target} ${version}${cancel ? " cancel" : ""}`;
    }
    case "update": {
      const version = pick(versions);
      await world.ask("RUNNING", { ...unknown, newest_version: version, request_update: true }, 0);
      return `update to ${version}`;
    }
    case "kill":
      world.engine.kill(container);
      return "kill";
    case "remove":
      await world.engine.remove(container, { force: true, signal: new AbortController().signal }).catch(() => {});
      return "remove by hand";
    case "engine":
      world.engine.leave();
      await world.pass(random() * 3_000);
      world.engine.comeBack();
      return "engine restart";
    case "link":
      world.studio.isConnected = !world.studio.isConnected;
      return "link";
    case "restart":
      await world.end();
      world.begin();
      await world.apps.reconcileLocal(new AbortController().signal);
      return "agent restart";
    case "connect":
    case undefined: {
      world.studio.isConnected = true;
      const connecting = world.apps.reconcileLocal(new AbortController().signal);
      await world.pass(2_000);
      await connecting;
      return "connect";
    }
  }
}

/** What must be true when everything has come to rest. */
function assertAtRest(world: SmallWorld, target: string, story: string): void {
  const isGone = target === "REMOVED" || target === "UNINSTALLED";
  assert.equal(world.state, isGone ? undefined : target, story);
  assert.equal(world.engine.status(container), target === "RUNNING" ? "running" : undefined, story);
  if (isGone) assert.deepEqual(world.tags, [], story);
  if (target === "RUNNING") assert.deepEqual(world.tags, ["1"], story);
  const last = world.studio.reports.at(-1)?.state;
  assert.equal(last, target, `${story}, told ${JSON.stringify(world.studio.told.slice(-8))}`);
}

Deno.test("whatever happens, the device ends where Studio wants it, tells so, and nothing is left over", async () => {
  for (let seed = 1; seed <= 24; seed += 1) {
    await using world = new SmallWorld(releases);
    const random = randomFrom(seed);
    const story: string[] = [`seed ${seed}`];
    await world.apps.reconcileLocal(new AbortController().signal);
    for (let count = 0; count < 12; count += 1) {
      story.push(await disturb(world, random));
      await world.pass(random() < 0.5 ? random() * 400 : random() * 8_000);
    }
    const target = ["RUNNING", "PRESENT", "REMOVED", "UNINSTALLED"][seed % 4] ?? "";
    world.studio.isConnected = true;
    await world.ask(target, { ...unknown, newest_version: "1", request_update: true }, 150_000);
    assertAtRest(world, target, story.join("; "));
  }
});
