/**
 * A day of the agent in some minutes: log lines that nobody looks at, lost connections and heartbeats, on the agent's own link,
 * heartbeat and log path, with the settings of the bundle. What is in memory must not grow.
 */

import { sleep } from "../../testbed/wait.ts";
import type { Samples } from "../figures.ts";
import { growthOf } from "../growth.ts";
import { callAgent, type LogStage, printLines, readUsage, startLogStage } from "../log_programs.ts";
import { readUse } from "../process_use.ts";
import type { GroupWork } from "../stage.ts";

/** What happens in a tenth of a day. */
const tenth = { lines: 1_000_000, reconnects: 100, beats: 8_640 };
const tenths = 10;
const lookMs = 50;

interface DayStage extends LogStage {
  counts: { beats: number };
}

/** Measures the rows of the group `day`, from the end of the first tenth to that of the last. */
export async function measureDay({ say }: GroupWork): Promise<Samples> {
  await using stack = new AsyncDisposableStack();
  const counts = { beats: 0 };
  const stage = await startLogStage(stack, {
    agent: "day_agent.ts",
    isTty: true,
    prepare: async (studio) => {
      await studio.register("bench.beat", () => {
        counts.beats += 1;
        return Promise.resolve({});
      });
    },
  });
  const rssMib: number[] = [];
  const heapMib: number[] = [];
  for (let number = 1; number <= tenths; number += 1) {
    const seen = await liveTenth({ ...stage, counts }, number * tenth.beats);
    rssMib.push(seen.rssMib);
    // In between nothing may be collected that would not be by itself.
    const isMeasured = number === 1 || number === tenths;
    if (isMeasured) heapMib.push((await readUsage(stage.studio)).heapUsed / 2 ** 20);
    say(`tenth ${number} of a day: ${seen.text}`);
  }
  return {
    "day.growth": { values: [growthOf(rssMib)] },
    "day.rss": { values: rssMib.slice(-1) },
    "day.heap": { values: [growthOf(heapMib)] },
  };
}

/** Ends when that many beats have come since the day began. */
async function liveTenth(stage: DayStage, beats: number): Promise<{ rssMib: number; text: string }> {
  const beganMs = performance.now();
  const printing = printLines(stage.socket, `lines=${tenth.lines}`);
  for (let count = 0; count < tenth.reconnects; count += 1) await loseAgent(stage);
  const { lines } = await printing;
  while (stage.counts.beats < beats) await sleep(lookMs);
  const { rssMib } = await readUse([stage.pid]);
  const seconds = Math.round((performance.now() - beganMs) / 1_000);
  const text = `${lines} lines, ${tenth.reconnects} reconnects, heartbeat ${stage.counts.beats}, in ${seconds} s: ` +
    `RSS ${rssMib.toFixed(1)} MiB`;
  return { rssMib, text };
}

/** Cuts the connection of the agent and waits until it has another one that works. */
async function loseAgent({ router, studio }: DayStage): Promise<void> {
  const { args: [ids] } = await studio.call("wamp.session.list");
  for (const id of Array.isArray(ids) ? ids : []) if (id !== studio.id) router.dropSession(id);
  await callAgent(studio, "bench.ping");
}
