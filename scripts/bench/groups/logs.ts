/** What log lines cost, and how a flood of them affects everything else. */

import type { AgentProcess } from "../../testbed/agent_process.ts";
import { sleep } from "../../testbed/wait.ts";
import { measureUsage, readRssMib } from "../agent_usage.ts";
import { openLogViewer } from "../log_viewer.ts";
import { percentile, type Samples } from "../results.ts";
import { printScript } from "../printed_lines.ts";
import { type BenchFixture, type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";
import { timeOf } from "../yardsticks.ts";

const steadyLinesPerSecond = 1_900;
const steadyMs = 20_000;
/** Slightly above the target, which counts what arrives in a time window. */
const floodLinesPerSecond = 18_200;
const floodMs = 20_000;
const settleMs = 3_000;
const callEveryMs = 20;
const memoryEveryMs = 1_000;

/** Measures the rows of the group `logs`. */
export async function measureLogs(work: GroupOptions): Promise<Samples> {
  return { ...await measureSteady(work), ...await measureFlood(work) };
}

async function measureSteady({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, 1, { runs: printScript(steadyLinesPerSecond) });
  const measure = async () => {
    await sleep(settleMs);
    const { percent } = await measureUsage(agent, () => sleep(steadyMs));
    return percent / (steadyLinesPerSecond / 1_000);
  };
  const unseen = await measure();
  await using viewer = await openLogViewer(fixture, "app1");
  const seenPercent = await measure();
  const perSecond = viewer.received.lines / ((settleMs + steadyMs) / 1_000);
  say(`${steadyLinesPerSecond} lines/s: the viewer received ${Math.round(perSecond)} lines/s`);
  if (perSecond < steadyLinesPerSecond * 0.9) throw new Error("The app printed, or the viewer received, too few lines");
  await agent.stop();
  return { "logs.processor": { values: [seenPercent] }, "logs.processor.unseen": { values: [unseen] } };
}

async function measureFlood({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, 1, { runs: printScript(floodLinesPerSecond) });
  await using viewer = await openLogViewer(fixture, "app1");
  await sleep(settleMs);
  const before = { ...viewer.received };
  const beganMs = performance.now();
  const isOver = () => performance.now() - beganMs > floodMs;
  const work = () => Promise.all([callUntil(fixture, isOver), readMemoryUntil(agent, isOver)]);
  const { percent, result: [calls, memory] } = await measureUsage(agent, work);
  const seconds = (performance.now() - beganMs) / 1_000;
  const { received } = viewer;
  const dropped = received.dropped - before.dropped;
  const delivered = (received.lines - before.lines) / seconds;
  const printed = (received.lastNumber - before.lastNumber) / seconds;
  say(`the app printed ${Math.round(printed)} lines/s, the viewer received ${Math.round(delivered)} lines/s`);
  await agent.stop();
  return {
    "logs.flood.rate": { values: [delivered], yardstick: [printed] },
    "logs.flood.processor": { values: [percent / (printed / 1_000)] },
    "logs.flood.dropped": { values: [dropped] },
    "logs.flood.p50": { values: [percentile(calls, 50)] },
    "logs.flood.most": { values: [Math.max(...calls)] },
    "logs.flood.rss": { values: [Math.max(...memory)] },
  };
}

async function callUntil({ studio, device }: BenchFixture, isOver: () => boolean): Promise<number[]> {
  const times: number[] = [];
  for (; !isOver(); await sleep(callEveryMs)) {
    times.push(await timeOf(() => studio.call(device, "device_handshake")));
  }
  return times;
}

async function readMemoryUntil(agent: AgentProcess, isOver: () => boolean): Promise<number[]> {
  const values: number[] = [];
  for (; !isOver(); await sleep(memoryEveryMs)) values.push(await readRssMib(agent));
  return values;
}
