// box engine registry crossbar
/** Long logs and long lines on the way to a viewer and into the history, and a log that cannot be read. */

import assert from "node:assert/strict";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentFixture, type Recording } from "./agent_fixture.ts";

const oldLines = 1_000_000;
const limitBytes = 1024 * 1024;

/** Prints a million lines of 140 bytes, then one every tenth of a second. */
const longLog = `yes "$(head -c 140 /dev/zero | tr '\\0' x)" | head -n ${oldLines}; n=0; ` +
  "while :; do n=$((n+1)); echo tick $n; sleep 0.1; done";

/** Prints one line of 300,000 bytes, 1 MB without a line end, and keeps running. */
const longLines =
  "sleep 3; head -c 300000 /dev/zero | tr '\\0' a; echo; head -c 1000000 /dev/zero | tr '\\0' b; sleep 3600";

async function history(fixture: AgentFixture, device: AddedDevice, app: string): Promise<string[]> {
  const args = [{ containerName: fixture.container(app) }];
  const [lines] = (await fixture.studio.call(device, "get_app_log_history", { args })).args;
  assert.ok(Array.isArray(lines));
  assert.ok(JSON.stringify(lines).length < limitBytes);
  return lines.map(String);
}

/** Asserts that the viewer has each tick once, and none is missing. */
function assertTicks({ lines }: Recording): void {
  const ticks = lines.filter((line) => line.startsWith("tick ")).map((line) => Number(line.slice(5)));
  assert.deepEqual(ticks, ticks.map((_, index) => (ticks[0] ?? 0) + index));
}

function until(what: string, isTrue: () => boolean, limitMs = 30_000): Promise<boolean> {
  return pollUntil(what, () => Promise.resolve(isTrue() || undefined), { limitMs });
}

Deno.test("#4: a restart of the agent sends what has come since, at once, and not a million old lines", async () => {
  const app = "Long";
  await using fixture = await AgentFixture.start();
  await fixture.publish(app, "1", { runs: longLog });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, app, { target: "RUNNING" });
  await pollUntil("the old lines are there", async () => {
    const tail = await fixture.engine.docker("logs", "--tail", "1", fixture.container(app)).catch(() => "");
    return tail.startsWith("tick") || undefined;
  }, { limitMs: 240_000 });
  await using viewer = await fixture.record(device, app);
  await until("ticks", () => viewer.lines.some((line) => line.startsWith("tick ")), 120_000);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    viewer.clear();
    await sleep(1_000);
    if (signal === "SIGTERM") await agent.stop();
    else await agent.kill();
    await sleep(2_000);
    const { sessionId } = fixture.studio.device(device);
    await agent.start();
    await fixture.untilBack(device, sessionId);
    const backAt = performance.now();
    const { length } = viewer.lines;
    await until("a fresh line", () => viewer.lines.length > length + 5, 20_000);
    const freshMs = performance.now() - backAt;
    assert.ok(freshMs < 3_000, `${signal}: ${freshMs} ms`);
    await sleep(2_000);
    assert.equal(viewer.lines.filter((line) => line.startsWith("xxx")).length, 0);
    assertTicks(viewer);
    assert.equal((await history(fixture, device, app)).length, 100);
  }
  const { sessionId } = fixture.studio.device(device);
  await fixture.killSession(device);
  await fixture.untilBack(device, sessionId);
  await sleep(2_000);
  assertTicks(viewer);
  assert.equal(await agent.stop(), 0);
});

Deno.test("#5, #6: long lines arrive in pieces, and no message is above 1 MiB", async (test) => {
  await using fixture = await AgentFixture.start();
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");

  await test.step("#6: one line of 300,000 bytes, and 1 MB without a line end", async () => {
    const app = "Lines";
    await fixture.publish(app, "1", { runs: longLines });
    await using viewer = await fixture.record(device, app);
    await fixture.studio.request(device, app, { target: "RUNNING" });
    const shown = () => viewer.lines.join("");
    // The engine keeps the rest of a line without an end until it has 16 KiB of it.
    const whole = 300_000 + Math.floor(1_000_000 / 16_384) * 16_384;
    await until("the long lines", () => shown().length >= whole, 60_000);
    assert.equal(shown(), "a".repeat(300_000) + "b".repeat(whole - 300_000));
    for (const line of viewer.lines) assert.ok(line.length <= 262_144);
    const remembered = (await history(fixture, device, app)).filter((line) => /^[ab]+$/.test(line)).join("");
    assert.ok(remembered.length > 700_000 && shown().endsWith(remembered));
  });

  await test.step("#5: lines of 180,000 NUL bytes, and a history of colours", async () => {
    const app = "Nuls";
    const colours = "$(i=0; while [ $i -lt 450 ]; do printf '\\033[31m\"x\"\\033[0m'; i=$((i+1)); done)";
    const runs = `sleep 3; for i in 1 2 3; do head -c 180000 /dev/zero; echo; done; sleep 3; x="${colours}"; ` +
      'i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo "$i $x"; done';
    await fixture.publish(app, "1", { runs });
    await using viewer = await fixture.record(device, app);
    await fixture.studio.request(device, app, { target: "RUNNING" });
    await until("the last line", () => viewer.lines.some((line) => line.startsWith("100 ")), 60_000);
    const nuls = viewer.lines.filter((line) => line.startsWith("\ufffd")).join("");
    assert.equal(nuls.length, 540_000, JSON.stringify(viewer.lines.map((line) => [line.length, line.slice(0, 40)])));
    const lines = await history(fixture, device, app);
    assert.match(lines[0] ?? "", /^… \d+ older line\(s\) left out/);
    assert.ok(lines.at(-1)?.startsWith("100 "));
  });
  assert.equal(await agent.stop(), 0);
});

Deno.test("#15: with the log driver none the viewer and the history say once why there is nothing to read", async () => {
  const app = "Silent";
  await using fixture = await AgentFixture.start({ engine: { args: ["--log-driver=none"] } });
  await fixture.publish(app, "1", { tickMs: 100 });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await using viewer = await fixture.record(device, app);
  await fixture.studio.request(device, app, { target: "RUNNING" });
  const text = `The output of this app cannot be shown: the engine's log driver "none" does not support reading`;
  await viewer.until(`"${text}"`);
  const { sessionId } = fixture.studio.device(device);
  await fixture.killSession(device);
  await fixture.untilBack(device, sessionId);
  await sleep(2_000);
  assert.equal(viewer.entries.filter((entry) => entry === `"${text}"`).length, 1);
  assert.equal((await history(fixture, device, app)).filter((line) => line === text).length, 1);
  assert.equal(await agent.stop(), 0);
});
