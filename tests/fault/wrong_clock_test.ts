// box engine registry crossbar
/**
 * A device whose wall clock is wrong, or jumps while it works, connects, installs and reconnects like any other,
 * because all of its waits use monotonic time.
 */

import assert from "node:assert/strict";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import { AgentFixture } from "../e2e/agent_fixture.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";

/** Without the last variable the runtime sometimes crashes when it starts. */
const fakeClock = {
  LD_PRELOAD: "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
  FAKETIME_DONT_FAKE_MONOTONIC: "1",
  NO_FAKE_STAT: "1",
};
const isHere = await Deno.stat(fakeClock.LD_PRELOAD).then(() => true, () => false);

/** The year of the device's clock. */
async function yearOf(fixture: AgentFixture, device: AddedDevice): Promise<number> {
  const { kwargs } = await fixture.studio.call(device, "device_handshake");
  return new Date(String(kwargs.utp)).getFullYear();
}

async function install(fixture: AgentFixture, device: AddedDevice, app: string): Promise<void> {
  await fixture.publish(app, "1.0.0", { prints: ["open"] });
  await fixture.studio.request(device, app, { target: "RUNNING" });
  await fixture.studio.waitForReport(device, { appName: app, state: "RUNNING" }, { limitMs: 40_000 });
}

/** Ends the device's session and waits until it is back. */
async function assertReconnects(fixture: AgentFixture, device: AddedDevice): Promise<void> {
  const { sessionId } = fixture.studio.device(device);
  const startedMs = performance.now();
  await fixture.killSession(device);
  await fixture.untilBack(device, sessionId, { limitMs: 15_000 });
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
    await using fixture = await AgentFixture.start();

    for (const [what, setting, isRight] of wrong) {
      await test.step(`a device whose clock is ${what} connects, installs, reconnects and stops`, async () => {
        const device = fixture.addDevice();
        await using agent = await fixture.startAgent(device, { env: { ...fakeClock, FAKETIME: setting } });
        await fixture.studio.waitForStatus(device, "CONNECTED", { limitMs: 40_000 });
        const year = await yearOf(fixture, device);
        assert.ok(isRight(year), `${year}`);
        const [line] = await agent.readLog();
        assert.ok(isRight(new Date(line?.time ?? "").getFullYear()), line?.time);
        await install(fixture, device, `shop${year}`);
        await assertReconnects(fixture, device);
        await assertNoFailure(agent);
        assert.equal(await agent.stop(), 0);
      });
    }

    await test.step("clock jumps in both directions delay nothing", async () => {
      const device = fixture.addDevice();
      const file = await Deno.makeTempFile();
      await Deno.writeTextFile(file, "+0");
      const env = { ...fakeClock, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: "1" };
      await using agent = await fixture.startAgent(device, { env });
      await fixture.studio.waitForStatus(device, "CONNECTED", { limitMs: 40_000 });
      const today = await yearOf(fixture, device);
      for (const [jump, years] of [["+10y", 10], ["-20y", -20], ["+0", 0]] as const) {
        await Deno.writeTextFile(file, jump);
        const installing = install(fixture, device, `app${years + 100}`);
        assert.ok(Math.abs(await yearOf(fixture, device) - today - years) <= 1);
        await assertReconnects(fixture, device);
        await installing;
      }
      await assertHeartbeat(fixture, device);
      await assertNoFailure(agent);
      assert.equal(await agent.stop(), 0);
      await Deno.remove(file);
    });
  },
);

/** Asserts that the next status arrives after one heartbeat of 30 seconds, however the clock has jumped. */
async function assertHeartbeat(fixture: AgentFixture, device: AddedDevice): Promise<void> {
  const { reportedAt } = fixture.studio.device(device);
  const isLater = () => fixture.studio.device(device).reportedAt !== reportedAt || undefined;
  await fixture.studio.waitFor("the device reports its status again", isLater, { limitMs: 35_000 });
}
