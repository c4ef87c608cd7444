/** What the system tells of the running agent: memory and processor time. */

import type { AgentProcess } from "../testbed/agent_process.ts";
import { percentOf, readUse, type Use, usedBetween } from "./process_use.ts";

/** What of the process is in memory, in MiB. */
export async function readRssMib(agent: AgentProcess): Promise<number> {
  return (await readAgent(agent)).rssMib;
}

/** What the process has used so far of all processors together, in milliseconds; the system counts in steps of 10 ms. */
export async function readProcessorMs(agent: AgentProcess): Promise<number> {
  return (await readAgent(agent)).processorMs;
}

/** Does `work`, and gives what the agent used meanwhile, and `percent` of one processor that this is. */
export async function measureProcessor<T>(
  agent: AgentProcess,
  work: () => Promise<T>,
): Promise<{ percent: number; use: Use; result: T }> {
  const before = await readAgent(agent);
  const result = await work();
  const use = usedBetween(before, await readAgent(agent));
  return { percent: percentOf(use), use, result };
}

async function readAgent({ pid }: AgentProcess): Promise<Use> {
  if (pid === undefined) throw new Error("The agent does not run");
  return await readUse([pid]);
}
