/** What the agent needs while ten apps run and nothing happens. */

import { sleep } from "../../testbed/wait.ts";
import { measureProcessor, readRssMib } from "../agent_figures.ts";
import type { Samples } from "../figures.ts";
import { type GroupWork, installApps, startAgent, startStage } from "../stage.ts";

const appCount = 10;
const settleMs = 5_000;
const idleMs = 60_000;

/** Measures the rows of the group `memory`. */
export async function measureMemory({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  await installApps(stage, appCount);
  // An agent that has just installed everything is another one than that of a device which was switched on.
  await agent.stop();
  await stage.studio.waitForStatus(stage.device, "DISCONNECTED");
  agent.start();
  await stage.studio.waitForStatus(stage.device, "CONNECTED", { limitMs: 60_000 });
  await sleep(settleMs);
  say(`idle for ${idleMs / 1_000} s`);
  const { percent } = await measureProcessor(agent, () => sleep(idleMs));
  const rssMib = await readRssMib(agent);
  await agent.stop();
  return { "memory.rss": { values: [rssMib] }, "memory.processor": { values: [percent] } };
}
