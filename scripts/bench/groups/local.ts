/** How fast the agent answers on the command line of its device. */

import { agentCommand } from "../../testbed/agent_process.ts";
import { mustRun } from "../../programs.ts";
import { type GroupOptions, installApps, programFile, startAgent, startFixture } from "../fixture.ts";
import type { Samples } from "../results.ts";
import { timeEach } from "../yardsticks.ts";

const appCount = 10;
const runs = 10;

/** Measures the rows of the group `local`. */
export async function measureLocal({ setting }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, appCount);
  const [program, ...first] = agentCommand(programFile(setting.program));
  const time = (args: readonly string[]) => {
    return timeEach(async () => void await mustRun(program, [...first, ...args], { cwd: agent.folder }), runs);
  };
  const values = await time(["status", "-agentDir", agent.folder]);
  const yardstick = await time(["-version"]);
  await agent.stop();
  return { "local.status": { values, yardstick } };
}
