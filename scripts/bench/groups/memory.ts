/** The memory and processor time of the agent while ten apps run and nothing happens. */

import { sleep } from "../../testbed/wait.ts";
import { measureUsage, readRssMib } from "../agent_usage.ts";
import type { Samples } from "../results.ts";
import { type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";

const appCount = 10;
const settleMs = 5_000;
const idleMs = 60_000;

/** Measures the rows of the group `memory`. */
export async function measureMemory({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, appCount);
  // An agent that has just installed everything differs from one on a device that was just switched on.
  await agent.stop();
  await fixture.studio.waitForStatus(fixture.device, "DISCONNECTED");
  agent.start();
  await fixture.studio.waitForStatus(fixture.device, "CONNECTED", { limitMs: 60_000 });
  await sleep(settleMs);
  say(`idle for ${idleMs / 1_000} s`);
  const { percent } = await measureUsage(agent, () => sleep(idleMs));
  const rssMib = await readRssMib(agent);
  await agent.stop();
  return { "memory.rss": { values: [rssMib] }, "memory.processor": { values: [percent] } };
}
