/** What the system tells of the running agent: memory and processor time. */

import type { AgentProcess } from "../../tests/parts/agent_process.ts";
import { runProgram } from "../../tests/parts/background.ts";

/** What of the process is in memory, in MiB. */
export async function readRssMib(agent: AgentProcess): Promise<number> {
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readProcess(agent, "status"))?.[1]);
  if (!(kib > 0)) throw new Error("Cannot read the memory of the agent");
  return kib / 1024;
}

/** What the process has used so far of all processors together, in milliseconds; the system counts in steps of 10 ms. */
export async function readProcessorMs(agent: AgentProcess): Promise<number> {
  // Its name, in brackets, is the second field and may hold spaces.
  const fields = (await readProcess(agent, "stat")).replace(/^.*\) /, "").split(" ");
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  if (!(userTicks + systemTicks > 0)) throw new Error("Cannot read the processor time of the agent");
  return (userTicks + systemTicks) * 10;
}

/** Does `work`, and gives the share of one processor that the agent used meanwhile, in percent. */
export async function measureProcessor<T>(
  agent: AgentProcess,
  work: () => Promise<T>,
): Promise<{ percent: number; result: T }> {
  const [beganMs, usedMs] = [performance.now(), await readProcessorMs(agent)];
  const result = await work();
  const percent = 100 * (await readProcessorMs(agent) - usedMs) / (performance.now() - beganMs);
  return { percent, result };
}

/** The runtime itself reads /proc only with all permissions. */
async function readProcess({ pid }: AgentProcess, name: string): Promise<string> {
  return (await runProgram("cat", [`/proc/${pid}/${name}`])).stdout;
}
