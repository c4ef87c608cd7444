/** How fast the agent starts, without apps and with ten that run. */

import type { AgentProcess } from "../../testbed/agent_process.ts";
import { readProcessorMs } from "../agent_figures.ts";
import type { Samples } from "../figures.ts";
import { type GroupWork, installApps, type Stage, startAgent, startStage } from "../stage.ts";
import { measureBareStarts } from "../yardsticks.ts";

const appCount = 10;

interface StartTimes {
  firstStatusMs: number;
  connectedMs: number;
  /** Of all processors together, from the launch until CONNECTED. */
  processorMs: number;
}

/** Measures the rows of the group `start`. */
export async function measureStart({ setting, starts, say }: GroupWork): Promise<Samples> {
  const yardstick = await measureBareStarts();
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  const measure = async (apps: number): Promise<StartTimes[]> => {
    const all: StartTimes[] = [];
    for (let start = 1; start <= starts; start += 1) {
      const times = await restart(agent, stage);
      say(`${apps} apps, start ${start}: ${startText(times)}`);
      all.push(times);
    }
    return all;
  };
  const bare = await measure(0);
  await installApps(stage, appCount);
  const loaded = await measure(appCount);
  await agent.stop();
  return {
    "start.status.0": { values: bare.map(({ firstStatusMs }) => firstStatusMs), yardstick },
    "start.connected.0": { values: bare.map(({ connectedMs }) => connectedMs), yardstick },
    "start.processor.0": { values: bare.map(({ processorMs }) => processorMs) },
    "start.status.10": { values: loaded.map(({ firstStatusMs }) => firstStatusMs), yardstick },
    "start.connected.10": { values: loaded.map(({ connectedMs }) => connectedMs), yardstick },
    "start.processor.10": { values: loaded.map(({ processorMs }) => processorMs) },
  };
}

/** Ends the agent, starts it again and waits until it has reported itself as connected. */
async function restart(agent: AgentProcess, { studio, device }: Stage): Promise<StartTimes> {
  await agent.stop();
  await studio.waitForStatus(device, "DISCONNECTED");
  const beganMs = performance.now();
  const seen: { firstMs?: number } = {};
  agent.start();
  const connectedMs = await studio.waitFor("the device is CONNECTED", () => {
    const { status } = studio.device(device);
    if (status === "DISCONNECTED") return undefined;
    seen.firstMs ??= performance.now() - beganMs;
    return status === "CONNECTED" ? performance.now() - beganMs : undefined;
  });
  return { firstStatusMs: seen.firstMs ?? connectedMs, connectedMs, processorMs: await readProcessorMs(agent) };
}

function startText({ firstStatusMs, connectedMs, processorMs }: StartTimes): string {
  return `first status ${Math.round(firstStatusMs)} ms, CONNECTED ${Math.round(connectedMs)} ms, ` +
    `processor time ${processorMs} ms`;
}
