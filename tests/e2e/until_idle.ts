/** Waits until an agent has finished its work on apps. */

import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";

/**
 * Waits until no transition is in progress. A request that arrives earlier may be dropped because nothing has
 * changed.
 */
export async function untilIdle(agent: AgentProcess): Promise<void> {
  const countOf = async (text: string) => (await agent.readLog()).filter(({ message }) => message === text).length;
  await pollUntil("the agent is idle", async () => {
    const [begun, ended] = [await countOf("Transition begins"), await countOf("Transition ended")];
    return begun === ended || undefined;
  }, { limitMs: 20_000 });
  await sleep(500);
}
