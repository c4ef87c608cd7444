// box engine registry crossbar
/**
 * A device whose wall clock is wrong, or jumps while it works: it connects, installs and comes back like every other one, because all of
 * its waits are on monotonic time.
 */

import assert from "node:assert/strict";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import { AgentWorld } from "../e2e/agent_world.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";

/** Without the last variable the runtime crashes at some of its starts. */
const fakeClock = {
  LD_PRELOAD: "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  NO_FAKE_STAT: "1",
};
const isHere = await Deno.stat(fakeClock.LD_PRELOAD).then(() => true, () => false);

/** The year of the device's clock as it tells it. */
async function yearOf(world: AgentWorld, device: AddedDevice): Promise<number> {
  const { kwargs } = await world.studio.call(device, "device_handshake");
  return new Date(String(kwargs.utp)).getFullYear();
}

async function install(world: AgentWorld, device: AddedDevice, app: string): Promise<void> {
  await world.publish(app, "1.0.0", { prints: ["open"] });
  await world.studio.request(device, app, { target: "RUNNING" });
  await world.studio.waitForReport(device, { appName: app, state: "RUNNING" }, { limitMs: 40_000 });
}

/** Ends the device's session and waits until it is back. */
async function assertComesBack(world: AgentWorld, device: AddedDevice): Promise<void> {
  const { sessionId } = world.studio.device(device);
  const startedMs = performance.now();
  await world.killSession(device);
  await world.untilBack(device, sessionId, 15_000);
  assert.ok(performance.now() - startedMs < 10_000);
}

async function assertNoFailure(agent: AgentProcess): Promise<void> {
  const log = await agent.readLog();
  const bad = log.filter(({ level }) => ["error", "fatal", "panic", "unreadable"].includes(level));
  assert.deepEqual(bad, []);
  assert.equal(agent.errors.includes("Uncaught"), false, agent.errors);
}

const wrong: [what: string, setting: string, isRight: (year: number) => boolean][] = [
  ["in 1970", "@1970-01-02 00:00:10", (year) => year === 1970],
  ["ten years ahead", "+10y", (year) => Math.abs(year - new Date().getFullYear() - 10) <= 1],
];

Deno.test(
  { name: `agents with wrong clocks${isHere ? "" : " (not here: no libfaketime)"}`, ignore: !isHere },
  async (test) => {
    await using world = await AgentWorld.start();

    for (const [what, setting, isRight] of wrong) {
      await test.step(`a device that believes to be ${what} connects, installs, comes back and stops`, async () => {
        const device = world.addDevice();
        await using agent = await world.startAgent(device, { env: { ...fakeClock, FAKETIME: setting } });
        await world.studio.waitForStatus(device, "CONNECTED", { limitMs: 40_000 });
        const year = await yearOf(world, device);
        assert.ok(isRight(year), `${year}`);
        const [line] = await agent.readLog();
        assert.ok(isRight(new Date(line?.time ?? "").getFullYear()), line?.time);
        await install(world, device, `shop${year}`);
        await assertComesBack(world, device);
        await assertNoFailure(agent);
        assert.equal(await agent.stop(), 0);
      });
    }

    await test.step("jumps of the clock in both directions hold nothing up", async () => {
      const device = world.addDevice();
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, "+0");
      const env = { ...fakeClock, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1" };
      await using agent = await world.startAgent(device, { env });
      await world.studio.waitForStatus(device, "CONNECTED", { limitMs: 40_000 });
      const today = await yearOf(world, device);
      for (const [jump, years] of [["+10y", 10], ["-20y", -20], ["+0", 0]] as const) {
        await Deno.writeTextFile(file, jump);
        const installing = install(world, device, `app${years + 100}`);
        assert.ok(Math.abs(await yearOf(world, device) - today - years) <= 1);
        await assertComesBack(world, device);
        await installing;
      }
      await assertHeartbeat(world, device);
      await assertNoFailure(agent);
      assert.equal(await agent.stop(), 0);
      await Deno.remove(file);
    });
  },
);

/** The next status comes within a heartbeat of 30 seconds and a bit, whatever the clock has done since the one before. */
async function assertHeartbeat(world: AgentWorld, device: AddedDevice): Promise<void> {
  const { reportedAt } = world.studio.device(device);
  const isLater = () => world.studio.device(device).reportedAt !== reportedAt || undefined;
  await world.studio.waitFor("the device says its status again", isLater, { limitMs: 35_000 });
}
