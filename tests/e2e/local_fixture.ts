/** Runs the commands of the agent that people use on a device. */

import { type Ended, runProgram } from "../../scripts/programs.ts";
import { agentCommand, type AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { projectRoot } from "../../scripts/paths.ts";

/** Runs `reagent <args>` about an agent. */
export async function runReagent(
  agent: Pick<AgentProcess, "folder" | "flockFile" | "databaseFile" | "logFile">,
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; before?: readonly string[] } = {},
): Promise<Ended> {
  const flags = [
    ...["-config", agent.flockFile, "-agentDir", agent.folder, "-appsDir", `${agent.folder}/apps`],
    ...["-dbFileName", agent.databaseFile, "-logFile", agent.logFile],
  ];
  const [program = "", ...first] = [
    ...options.before ?? [],
    ...agentCommand(Deno.env.get("REAGENT_AGENT") ?? `${projectRoot}main.ts`),
  ];
  return await runProgram(program, [...first, ...args, ...flags], { env: { NO_COLOR: "1", ...options.env } });
}
