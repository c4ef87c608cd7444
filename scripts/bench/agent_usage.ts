/** The memory and processor time of the running agent. */

import type { AgentProcess } from "../testbed/agent_process.ts";
import { percentOf, type ProcessUsage, readUsage, usageBetween } from "./process_usage.ts";

/** The agent's memory (RSS) in MiB. */
export async function readRssMib(agent: AgentProcess): Promise<number> {
  return (await readAgent(agent)).rssMib;
}

/** The agent's processor time so far in milliseconds; the system counts in steps of 10 ms. */
export async function readProcessorMs(agent: AgentProcess): Promise<number> {
  return (await readAgent(agent)).processorMs;
}

/** Runs `work`. Returns its result, what the agent used meanwhile, and that as `percent` of one processor. */
export async function measureUsage<T>(
  agent: AgentProcess,
  work: () => Promise<T>,
): Promise<{ percent: number; use: ProcessUsage; result: T }> {
  const before = await readAgent(agent);
  const result = await work();
  const use = usageBetween(before, await readAgent(agent));
  return { percent: percentOf(use), use, result };
}

async function readAgent({ pid }: AgentProcess): Promise<ProcessUsage> {
  if (pid === undefined) throw new Error("The agent does not run");
  return await readUsage([pid]);
}
