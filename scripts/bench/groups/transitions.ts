/** The transitions of a day, one after the other on a real engine: an app is started and stopped repeatedly. */

import { sleep } from "../../testbed/wait.ts";
import { readRssMib } from "../agent_usage.ts";
import type { Samples } from "../results.ts";
import { growthOf } from "../growth.ts";
import { type GroupOptions, installApps, startAgent, startFixture, untilApps } from "../fixture.ts";
import { timeOf } from "../yardsticks.ts";

const tenth = 50;
const tenths = 10;
/** On a real day almost three minutes pass between two transitions. */
const idleMs = 30_000;

/** Measures the rows of the group `transitions`: the growth from the end of the first tenth to the end of the last. */
export async function measureTransitions({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  const names = await installApps(fixture, 1);
  const change = async (state: "PRESENT" | "RUNNING") => {
    for (const name of names) await fixture.studio.request(fixture.device, name, { target: state });
    await untilApps(fixture, { names, state });
  };
  const rssMib: number[] = [];
  const times: number[] = [];
  for (let number = 1; number <= tenths; number += 1) {
    for (let count = 0; count < tenth; count += 2) {
      times.push(await timeOf(() => change("PRESENT")), await timeOf(() => change("RUNNING")));
    }
    const busyRss = await readRssMib(agent);
    await sleep(idleMs);
    const rss = await readRssMib(agent);
    rssMib.push(rss);
    say(`${number * tenth} transitions: RSS ${busyRss.toFixed(1)} MiB, ${rss.toFixed(1)} when idle`);
  }
  await agent.stop();
  return {
    "transitions.growth": { values: [growthOf(rssMib)] },
    "transitions.rss": { values: rssMib.slice(-1) },
    "transitions.ms": { values: times },
  };
}
