/**
 * A day of the agent in a few minutes: log lines without a viewer, lost connections and heartbeats, with the agent's
 * own link, heartbeat and log path and the settings of the bundle. Memory must not grow.
 */

import { sleep } from "../../testbed/wait.ts";
import type { Samples } from "../results.ts";
import { growthOf } from "../growth.ts";
import { callAgent, type LogFixture, printLines, readReportedUsage, startLogFixture } from "../log_fixture.ts";
import { readUsage } from "../process_usage.ts";
import type { GroupOptions } from "../fixture.ts";

/** What happens in a tenth of a day. */
const tenth = { lines: 1_000_000, reconnects: 100, beats: 8_640 };
const tenths = 10;
const lookMs = 50;

interface DayStage extends LogFixture {
  counts: { beats: number };
}

/** Measures the rows of the group `day`, from the end of the first tenth to that of the last. */
export async function measureDay({ say }: GroupOptions): Promise<Samples> {
  await using stack = new AsyncDisposableStack();
  const counts = { beats: 0 };
  const fixture = await startLogFixture(stack, {
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
    const seen = await liveTenth({ ...fixture, counts }, number * tenth.beats);
    rssMib.push(seen.rssMib);
    // Only these measurements collect garbage; the others must not influence the memory.
    const isMeasured = number === 1 || number === tenths;
    if (isMeasured) heapMib.push((await readReportedUsage(fixture.studio)).heapUsed / 2 ** 20);
    say(`tenth ${number} of a day: ${seen.text}`);
  }
  return {
    "day.growth": { values: [growthOf(rssMib)] },
    "day.rss": { values: rssMib.slice(-1) },
    "day.heap": { values: [growthOf(heapMib)] },
  };
}

/** Runs a tenth of a day, which ends with the given number of heartbeats since the day began. */
async function liveTenth(fixture: DayStage, beats: number): Promise<{ rssMib: number; text: string }> {
  const beganMs = performance.now();
  const printing = printLines(fixture.socket, `lines=${tenth.lines}`);
  for (let count = 0; count < tenth.reconnects; count += 1) await loseAgent(fixture);
  const { lines } = await printing;
  while (fixture.counts.beats < beats) await sleep(lookMs);
  const { rssMib } = await readUsage([fixture.pid]);
  const seconds = Math.round((performance.now() - beganMs) / 1_000);
  const text = `${lines} lines, ${tenth.reconnects} reconnects, heartbeat ${fixture.counts.beats}, in ${seconds} s: ` +
    `RSS ${rssMib.toFixed(1)} MiB`;
  return { rssMib, text };
}

/** Drops the agent's connection and waits until it answers on a new one. */
async function loseAgent({ router, studio }: DayStage): Promise<void> {
  const { args: [ids] } = await studio.call("wamp.session.list");
  for (const id of Array.isArray(ids) ? ids : []) if (id !== studio.id) router.dropSession(id);
  await callAgent(studio, "bench.ping");
}
