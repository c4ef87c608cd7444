/** Looks whether the agent runs. */

import { hasCode } from "../../base/errors.ts";
import { readSystemFile } from "../../host/system_file.ts";
import { readAgentFacts } from "../agent_facts.ts";
import { askAgent } from "../ask.ts";
import type { AgentProbe } from "./doctor_facts.ts";

/** Asks the agent of `agentDir`. Never throws. */
export async function probeAgent(agentDir: string, limitMs: number): Promise<AgentProbe> {
  try {
    return { kind: "answers", facts: readAgentFacts(await askAgent({ ask: "status" }, { agentDir, limitMs })) };
  } catch (error) {
    return { kind: "away", isLocked: hasCode(error, "timeout") || await isLocked(`${agentDir}/reagent.lock`) };
  }
}

/** Without taking the lock, because an agent that starts at this moment must get it. Linux only. */
async function isLocked(path: string): Promise<boolean> {
  try {
    const { ino } = await Deno.stat(path);
    const locks = readSystemFile("/proc/locks") ?? "";
    return ino !== null && new RegExp(`FLOCK .*:${ino} `).test(locks);
  } catch {
    // There is no lock file: no agent has ever run here.
    return false;
  }
}
