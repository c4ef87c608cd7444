/** How long the agent takes to end in order. */

import { readTextIfThere } from "../../files.ts";
import { sleep } from "../../testbed/wait.ts";
import type { Samples } from "../figures.ts";
import { type GroupWork, installApps, startAgent, startStage } from "../stage.ts";
import { timeOf } from "../yardsticks.ts";

const appCount = 10;
const rounds = 5;
const settleMs = 2_000;

/** Measures the rows of the group `stop`. Throws when something was left unwritten. */
export async function measureStop({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  await installApps(stage, appCount);
  const values: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await sleep(settleMs);
    const ended: { code?: number } = {};
    values.push(await timeOf(async () => ended.code = await agent.stop()));
    if (ended.code !== 0) throw new Error(`The agent ended with ${ended.code}`);
    // A database that was closed has nothing left in its write-ahead log.
    const waiting = await readTextIfThere(`${agent.databaseFile}-wal`);
    if (waiting !== undefined && waiting !== "") throw new Error("The agent left its database open");
    await stage.studio.waitForStatus(stage.device, "DISCONNECTED");
    say(`round ${round}: ${Math.round(values.at(-1) ?? 0)} ms`);
    if (round === rounds) break;
    agent.start();
    await stage.studio.waitForStatus(stage.device, "CONNECTED", { limitMs: 60_000 });
  }
  return { "stop.ms": { values } };
}
