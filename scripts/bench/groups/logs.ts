/** What the way of log lines costs, and what a flood of them does to the rest. */

import type { AgentProcess } from "../../testbed/agent_process.ts";
import { sleep } from "../../testbed/wait.ts";
import { measureProcessor, readRssMib } from "../agent_figures.ts";
import { followLog } from "../followed_log.ts";
import { percentile, type Samples } from "../figures.ts";
import { printScript } from "../printed_lines.ts";
import { type GroupWork, installApps, type Stage, startAgent, startStage } from "../stage.ts";
import { timeOf } from "../yardsticks.ts";

const steadyLinesPerSecond = 1_900;
const steadyMs = 20_000;
/** A little above the bar, which counts what arrives in a window of time. */
const floodLinesPerSecond = 18_200;
const floodMs = 20_000;
const settleMs = 3_000;
const callEveryMs = 20;
const memoryEveryMs = 1_000;

/** Measures the rows of the group `logs`. */
export async function measureLogs(work: GroupWork): Promise<Samples> {
  return { ...await measureSteady(work), ...await measureFlood(work) };
}

async function measureSteady({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  await installApps(stage, 1, { runs: printScript(steadyLinesPerSecond) });
  const measure = async () => {
    await sleep(settleMs);
    const { percent } = await measureProcessor(agent, () => sleep(steadyMs));
    return percent / (steadyLinesPerSecond / 1_000);
  };
  const unseen = await measure();
  await using viewer = await followLog(stage, "app1");
  const seenPercent = await measure();
  const perSecond = viewer.seen.lines / ((settleMs + steadyMs) / 1_000);
  say(`${steadyLinesPerSecond} lines/s: the viewer got ${Math.round(perSecond)} lines/s`);
  if (perSecond < steadyLinesPerSecond * 0.9) throw new Error(`The app printed or the viewer got too little`);
  await agent.stop();
  return { "logs.processor": { values: [seenPercent] }, "logs.processor.unseen": { values: [unseen] } };
}

async function measureFlood({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  await installApps(stage, 1, { runs: printScript(floodLinesPerSecond) });
  await using viewer = await followLog(stage, "app1");
  await sleep(settleMs);
  const before = { ...viewer.seen };
  const beganMs = performance.now();
  const isOver = () => performance.now() - beganMs > floodMs;
  const work = () => Promise.all([callUntil(stage, isOver), readMemoryUntil(agent, isOver)]);
  const { percent, result: [calls, memory] } = await measureProcessor(agent, work);
  const seconds = (performance.now() - beganMs) / 1_000;
  const { seen } = viewer;
  const dropped = seen.dropped - before.dropped;
  const delivered = (seen.lines - before.lines) / seconds;
  const printed = (seen.lastNumber - before.lastNumber) / seconds;
  say(`the app printed ${Math.round(printed)} lines/s, the viewer got ${Math.round(delivered)} lines/s`);
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

async function callUntil({ studio, device }: Stage, isOver: () => boolean): Promise<number[]> {
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
