/** How long the agent takes to shut down. */

import { readTextIfThere } from "../../files.ts";
import { sleep } from "../../testbed/wait.ts";
import type { Samples } from "../results.ts";
import { type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";
import { timeOf } from "../yardsticks.ts";

const appCount = 10;
const repetitions = 5;
const settleMs = 2_000;

/** Measures the rows of the group `stop`. Throws when the database was left open. */
export async function measureStop({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, appCount);
  const values: number[] = [];
  for (let count = 1; count <= repetitions; count += 1) {
    await sleep(settleMs);
    const ended: { code?: number } = {};
    values.push(await timeOf(async () => ended.code = await agent.stop()));
    if (ended.code !== 0) throw new Error(`The agent ended with ${ended.code}`);
    // A closed database has an empty write-ahead log.
    const waiting = await readTextIfThere(`${agent.databaseFile}-wal`);
    if (waiting !== undefined && waiting !== "") throw new Error("The agent left its database open");
    await fixture.studio.waitForStatus(fixture.device, "DISCONNECTED");
    say(`stop ${count}: ${Math.round(values.at(-1) ?? 0)} ms`);
    if (count === repetitions) break;
    agent.start();
    await fixture.studio.waitForStatus(fixture.device, "CONNECTED", { limitMs: 60_000 });
  }
  return { "stop.ms": { values } };
}
