/** The transitions of a day, one after the other on a real engine: an app that is started and stopped again and again. */

import { sleep } from "../../testbed/wait.ts";
import { readRssMib } from "../agent_figures.ts";
import type { Samples } from "../figures.ts";
import { growthOf } from "../growth.ts";
import { type GroupWork, installApps, startAgent, startStage, untilApps } from "../stage.ts";
import { timeOf } from "../yardsticks.ts";

const tenth = 50;
const tenths = 10;
/** Over a day an app is at rest for almost three minutes between two transitions. */
const restMs = 30_000;

/** Measures the rows of the group `transitions`, from the end of the first tenth to that of the last, each after a rest. */
export async function measureTransitions({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  const names = await installApps(stage, 1);
  const change = async (state: "PRESENT" | "RUNNING") => {
    for (const name of names) await stage.studio.request(stage.device, name, { target: state });
    await untilApps(stage, { names, state });
  };
  const rssMib: number[] = [];
  const times: number[] = [];
  for (let number = 1; number <= tenths; number += 1) {
    for (let count = 0; count < tenth; count += 2) {
      times.push(await timeOf(() => change("PRESENT")), await timeOf(() => change("RUNNING")));
    }
    const busyRss = await readRssMib(agent);
    await sleep(restMs);
    const rss = await readRssMib(agent);
    rssMib.push(rss);
    say(`${number * tenth} transitions: RSS ${busyRss.toFixed(1)} MiB, ${rss.toFixed(1)} after a rest`);
  }
  await agent.stop();
  return {
    "transitions.growth": { values: [growthOf(rssMib)] },
    "transitions.rss": { values: rssMib.slice(-1) },
    "transitions.ms": { values: times },
  };
}
