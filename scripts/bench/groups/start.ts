/** How fast the agent starts, without apps and with ten running apps. */

import type { AgentProcess } from "../../testbed/agent_process.ts";
import { readProcessorMs } from "../agent_usage.ts";
import type { Samples } from "../results.ts";
import { type BenchFixture, type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";
import { measureEmptyStarts } from "../yardsticks.ts";

const appCount = 10;

interface StartTimes {
  firstStatusMs: number;
  connectedMs: number;
  /** The time of all processors from the launch until CONNECTED. */
  processorMs: number;
}

/** Measures the rows of the group `start`. */
export async function measureStart({ setting, starts, say }: GroupOptions): Promise<Samples> {
  const yardstick = await measureEmptyStarts();
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  const measure = async (apps: number): Promise<StartTimes[]> => {
    const all: StartTimes[] = [];
    for (let start = 1; start <= starts; start += 1) {
      const times = await restart(agent, fixture);
      say(`${apps} apps, start ${start}: ${startText(times)}`);
      all.push(times);
    }
    return all;
  };
  const bare = await measure(0);
  await installApps(fixture, appCount);
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

/** Stops the agent, starts it again and waits until it reports that it is connected. */
async function restart(agent: AgentProcess, { studio, device }: BenchFixture): Promise<StartTimes> {
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
