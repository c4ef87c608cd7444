/** The downtime of an app during an update, compared with what the engine needs to stop and start a container. */

import { pollUntil } from "../../testbed/wait.ts";
import { runProgram } from "../../programs.ts";
import { EngineCalls } from "../engine_calls.ts";
import type { Sample, Samples } from "../results.ts";
import { SlowRelay } from "../slow_relay.ts";
import {
  type BenchFixture,
  firstVersion,
  type GroupOptions,
  publish,
  repositoryOfApp,
  startAgent,
  startFixture,
  untilApps,
} from "../fixture.ts";

const repetitions = 3;
/** 32 Mbit/s. */
const slowBytesPerSecond = 4_000_000;
const largeMb = 20;
const updateLimitMs = 60_000;

/** Measures the rows of the group `update`. */
export async function measureUpdate(work: GroupOptions): Promise<Samples> {
  const slow = { bytesPerSecond: slowBytesPerSecond, sizeMb: largeMb };
  return {
    "update.large": await measureDowntimes(work, slow),
    "update.small": await measureDowntimes(work, { bytesPerSecond: Infinity, sizeMb: 1 }),
  };
}

/** Updates an app several times; each release has a layer of its own. */
async function measureDowntimes(
  { setting, say }: GroupOptions,
  link: { bytesPerSecond: number; sizeMb: number },
): Promise<Sample> {
  await using fixture = await startFixture(setting.router);
  const { studio, device } = fixture;
  await using relay = SlowRelay.listen({
    port: Number(studio.registryHost.split(":")[1]),
    bytesPerSecond: link.bytesPerSecond,
  });
  await using agent = await startAgent(fixture, setting.program, { registryHost: relay.host });
  const app = "shop";
  const release = (version: string) => publish(fixture, { apps: [app], version, recipe: { sizeMb: link.sizeMb } });
  await release(firstVersion);
  await studio.request(device, app, { target: "RUNNING" });
  await untilApps(fixture, { names: [app], state: "RUNNING" });
  const sample: { values: number[]; yardstick: number[] } = { values: [], yardstick: [] };
  for (let count = 1; count <= repetitions; count += 1) {
    const version = `1.0.${count}`;
    await release(version);
    const { ms, wholeMs } = await updateOnce(fixture, { app, version });
    sample.values.push(ms);
    sample.yardstick.push(await switchByEngine(fixture, { app, version, registryHost: relay.host }));
    const alone = Math.round(sample.yardstick.at(-1) ?? 0);
    say(`${link.sizeMb} MB: down for ${Math.round(ms)} ms of ${Math.round(wholeMs)} ms, the engine alone ${alone} ms`);
  }
  await agent.stop();
  return sample;
}

/** Updates the app. Returns its downtime and the duration of the whole update. */
async function updateOnce(
  fixture: BenchFixture,
  { app, version }: { app: string; version: string },
): Promise<{ ms: number; wholeMs: number }> {
  const { studio, device } = fixture;
  const since = engineTime();
  const beganMs = performance.now();
  await studio.request(device, app, { update: true, version });
  const isUpdated = () => {
    const known = studio.apps(device).find(({ appName }) => appName === app);
    return known?.presentVersion === version && known.current === "RUNNING" || undefined;
  };
  await studio.waitFor(`${app} ${version} runs`, isUpdated, { limitMs: updateLimitMs });
  return { ms: await readDowntime(fixture, since), wholeMs: performance.now() - beganMs };
}

/** Stops a container of the app and starts another one, without an agent. */
async function switchByEngine(
  fixture: BenchFixture,
  { app, version, registryHost }: { app: string; version: string; registryHost: string },
): Promise<number> {
  const calls = new EngineCalls(fixture.engine.socket);
  const image = `${registryHost}/${repositoryOfApp(fixture, app)}:${version}`;
  const settings = { Image: image, Tty: true, HostConfig: { Privileged: true } };
  const [first, second] = [await calls.create("alone_1", settings), await calls.create("alone_2", settings)];
  await calls.start(first);
  const since = engineTime();
  await calls.stop(first);
  await calls.start(second);
  const ms = await readDowntime(fixture, since);
  for (const id of [first, second]) await calls.remove(id);
  return ms;
}

/** The time from the first signal to a container to the last start, from the engine's events; in milliseconds. */
async function readDowntime({ engine }: BenchFixture, since: string): Promise<number> {
  const filters = ["type=container", "event=kill", "event=start"].flatMap((filter) => ["--filter", filter]);
  // The engine records a start slightly later than it answers.
  return await pollUntil("the engine has noted the switch", async () => {
    const args = ["events", "--since", since, "--until", engineTime(), "--format", "{{.Action}} {{.TimeNano}}"];
    return downtimeMs((await runProgram("docker", ["-H", engine.host, ...args, ...filters])).stdout);
  }, { limitMs: 5_000 });
}

/** Reads lines like `kill 1798000000123456789`; undefined unless a start follows a signal. Pure. */
export function downtimeMs(events: string): number | undefined {
  const lines = events.split("\n").map((line) => line.split(" "));
  const timesOf = (wanted: string) =>
    lines.filter(([action]) => action === wanted).map(([, time]) => BigInt(time ?? 0));
  const [killed, started] = [timesOf("kill").at(0), timesOf("start").at(-1)];
  if (killed === undefined || started === undefined || started <= killed) return undefined;
  return Number((started - killed) / 1_000n) / 1_000;
}

/** The current time in the format of the docker command. */
function engineTime(): string {
  return (Date.now() / 1_000).toFixed(3);
}
