/** Queries of long logs: ten files of 100 MiB of an app on a real engine, and of the agent itself. */

import { isDict } from "../../../lib/base/json.ts";
import { readRssMib } from "../agent_usage.ts";
import type { BenchFixture } from "../fixture.ts";
import { type GroupOptions, startAgent, startFixture } from "../fixture.ts";
import type { Samples } from "../results.ts";
import { timeOf } from "../yardsticks.ts";

const files = 10;
const fileBytes = 100 * 1024 * 1024;
const blockLines = 4_000;
const wantedLines = 5_000;
const rounds = 5;
const atOnce = 10;
const sampleMs = 20;
const callLimitMs = 60_000;
const container = "bench-long";
const startMs = Date.UTC(2026, 0, 1);
const lineStepMs = 100;

/** A line of a log; `number` counts all of its lines. */
type LineOf = (number: number, time: string) => string;

/** Asks the device and checks how many lines it has found. */
type Query = (procedure: string, given: Record<string, unknown>, lines: number) => Promise<void>;

const ofApp = { containerName: container, tail: wantedLines };
const ofAgent = { tail: wantedLines, level: "debug" };
const ofNothing = { tail: wantedLines, level: "panic" };

/** Measures the rows of the group `log_query`. Throws when an answer is not what was asked for. */
export async function measureLogQuery({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  say("writing two logs of 1 GiB");
  await writeAppLog(fixture);
  // Names without the time of a rotation are not deleted when there are too many.
  await writeLogs((index) => `${agent.folder}/reagent-${index}.log`, ownLine);
  const query: Query = async (procedure, given, lines) => {
    const call = { args: [given], timeoutMs: callLimitMs };
    const { args: [answer] } = await fixture.studio.call(fixture.device, procedure, call);
    const found = isDict(answer) ? answer.returned : undefined;
    if (found !== lines) throw new Error(`${procedure} found ${found} lines and not ${lines}`);
  };
  const before = await readRssMib(agent);
  const growth: number[] = [];
  const watch = setInterval(() => void readRssMib(agent).then((rss) => growth.push(rss - before)), sampleMs);
  try {
    const app = await repeat(() => query("query_app_logs", ofApp, wantedLines));
    say(`of an app (+${Math.round(Math.max(...growth))} MiB): ${app.map(Math.round)} ms`);
    const own = await repeat(() => query("query_device_logs", ofAgent, wantedLines));
    say(`of the agent (+${Math.round(Math.max(...growth))} MiB): ${own.map(Math.round)} ms`);
    const oneByOneMib = Math.max(...growth);
    const search = await repeat(() => query("query_device_logs", ofNothing, 0));
    say(`all of it (+${Math.round(Math.max(...growth))} MiB): ${search.map(Math.round)} ms`);
    const waits = await waitsDuring(fixture, queryManyAtOnce(query));
    return {
      "logQuery.app": { values: app },
      "logQuery.own": { values: own },
      "logQuery.search": { values: search },
      "logQuery.call": { values: [Math.max(...waits)] },
      "logQuery.rss": { values: [oneByOneMib] },
      "logQuery.rss.many": { values: [Math.max(...growth)] },
    };
  } finally {
    clearInterval(watch);
  }
}

/** Two that read everything, as many as run at the same time, and shorter ones. */
async function queryManyAtOnce(query: Query): Promise<void> {
  await Promise.all(Array.from({ length: atOnce }, (_, index) => {
    const tail = wantedLines - index;
    if (index < 2) return query("query_device_logs", { ...ofNothing, tail }, 0);
    return query("query_app_logs", { ...ofApp, tail }, tail);
  }));
}

/** How long each of many small calls takes, one after the other, until `work` is done. */
async function waitsDuring({ studio, device }: BenchFixture, work: Promise<void>): Promise<number[]> {
  const waits: number[] = [];
  const isDone = work.then(() => true);
  do waits.push(await timeOf(() => studio.call(device, "device_handshake"))); while (
    !await Promise.race([isDone, Promise.resolve(false)])
  );
  return waits;
}

async function repeat(work: () => Promise<void>): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) values.push(await timeOf(work));
  return values;
}

/** The log of a container that has ended; the engine opens it for each reader. */
async function writeAppLog({ engine }: BenchFixture): Promise<void> {
  const limits = ["--log-opt", `max-size=${fileBytes}`, "--log-opt", `max-file=${files}`];
  await engine.docker(
    "run",
    "--network",
    "none",
    "--log-driver",
    "json-file",
    ...limits,
    "--name",
    container,
    "busybox:1",
    "true",
  );
  const path = await engine.docker("inspect", "-f", "{{.LogPath}}", container);
  await writeLogs((index) => index === files - 1 ? path : `${path}.${files - 1 - index}`, (number, time) => {
    return `{"log":"line ${number} of an app, which says what it has measured and when: 21.5\\n","stream":"stdout","time":"${time}"}\n`;
  });
}

function ownLine(number: number, time: string): string {
  const level = number % 10 === 0 ? "info" : "debug";
  return `{"level":"${level}","procedure":"reswarm.devices.update_device_status","durationMs":${number % 300},` +
    `"caller":"session.ts:${number % 400}","time":"${time}","message":"A call was answered: ${number}"}\n`;
}

/** Writes all files of a log, the oldest first. */
async function writeLogs(pathOf: (index: number) => string, lineOf: LineOf): Promise<void> {
  let number = 0;
  for (let index = 0; index < files; index += 1) {
    using file = await Deno.open(pathOf(index), { write: true, create: true, truncate: true });
    for (let size = 0; size < fileBytes;) {
      const lines = Array.from({ length: blockLines }, () => {
        number += 1;
        return lineOf(number, new Date(startMs + number * lineStepMs).toISOString());
      });
      const bytes = new TextEncoder().encode(lines.join(""));
      for (let done = 0; done < bytes.length;) done += await file.write(bytes.subarray(done));
      size += bytes.length;
    }
  }
}
