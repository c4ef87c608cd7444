/** How long an app is away while it is updated, beside what the engine needs to stop one container and start another. */

import { pollUntil } from "../../testbed/wait.ts";
import { runProgram } from "../../programs.ts";
import { EngineCalls } from "../engine_calls.ts";
import type { Sample, Samples } from "../figures.ts";
import { SlowRelay } from "../slow_relay.ts";
import {
  firstVersion,
  type GroupWork,
  publish,
  repositoryOfApp,
  type Stage,
  startAgent,
  startStage,
  untilApps,
} from "../stage.ts";

const rounds = 3;
/** 32 Mbit/s. */
const slowBytesPerSecond = 4_000_000;
const largeMb = 20;
const updateLimitMs = 60_000;

/** Measures the rows of the group `update`. */
export async function measureUpdate(work: GroupWork): Promise<Samples> {
  const slow = { bytesPerSecond: slowBytesPerSecond, sizeMb: largeMb };
  return {
    "update.large": await measureDowntimes(work, slow),
    "update.small": await measureDowntimes(work, { bytesPerSecond: Infinity, sizeMb: 1 }),
  };
}

/** Updates an app several times; each release has a layer of its own. */
async function measureDowntimes(
  { setting, say }: GroupWork,
  link: { bytesPerSecond: number; sizeMb: number },
): Promise<Sample> {
  await using stage = await startStage(setting.router);
  const { studio, device } = stage;
  await using relay = SlowRelay.listen({
    port: Number(studio.registryHost.split(":")[1]),
    bytesPerSecond: link.bytesPerSecond,
  });
  await using agent = await startAgent(stage, setting.program, { registryHost: relay.host });
  const app = "shop";
  const release = (version: string) => publish(stage, { apps: [app], version, recipe: { sizeMb: link.sizeMb } });
  await release(firstVersion);
  await studio.request(device, app, { target: "RUNNING" });
  await untilApps(stage, { names: [app], state: "RUNNING" });
  const sample: { values: number[]; yardstick: number[] } = { values: [], yardstick: [] };
  for (let round = 1; round <= rounds; round += 1) {
    const version = `1.0.${round}`;
    await release(version);
    const { ms, wholeMs } = await updateOnce(stage, { app, version });
    sample.values.push(ms);
    sample.yardstick.push(await switchByEngine(stage, { app, version, registryHost: relay.host }));
    const alone = Math.round(sample.yardstick.at(-1) ?? 0);
    say(`${link.sizeMb} MB: away for ${Math.round(ms)} ms of ${Math.round(wholeMs)} ms, the engine alone ${alone} ms`);
  }
  await agent.stop();
  return sample;
}

/** Updates the app and gives how long it was away and how long the whole took. */
async function updateOnce(
  stage: Stage,
  { app, version }: { app: string; version: string },
): Promise<{ ms: number; wholeMs: number }> {
  const { studio, device } = stage;
  const since = engineTime();
  const beganMs = performance.now();
  await studio.request(device, app, { update: true, version });
  const isUpdated = () => {
    const known = studio.apps(device).find(({ appName }) => appName === app);
    return known?.presentVersion === version && known.current === "RUNNING" || undefined;
  };
  await studio.waitFor(`${app} ${version} runs`, isUpdated, { limitMs: updateLimitMs });
  return { ms: await timeAway(stage, since), wholeMs: performance.now() - beganMs };
}

/** Stops the app's container and starts one like it, without an agent. */
async function switchByEngine(
  stage: Stage,
  { app, version, registryHost }: { app: string; version: string; registryHost: string },
): Promise<number> {
  const calls = new EngineCalls(stage.engine.socket);
  const image = `${registryHost}/${repositoryOfApp(stage, app)}:${version}`;
  const settings = { Image: image, Tty: true, HostConfig: { Privileged: true } };
  const [first, second] = [await calls.create("alone_1", settings), await calls.create("alone_2", settings)];
  await calls.start(first);
  const since = engineTime();
  await calls.stop(first);
  await calls.start(second);
  const ms = await timeAway(stage, since);
  for (const id of [first, second]) await calls.remove(id);
  return ms;
}

/** From the first signal to a container since then to the last start, as the engine has noted them; in milliseconds. */
async function timeAway({ engine }: Stage, since: string): Promise<number> {
  const filters = ["type=container", "event=kill", "event=start"].flatMap((filter) => ["--filter", filter]);
  // The engine notes a start a little later than it answers.
  return await pollUntil("the engine has noted the switch", async () => {
    const args = ["events", "--since", since, "--until", engineTime(), "--format", "{{.Action}} {{.TimeNano}}"];
    return awayMs((await runProgram("docker", ["-H", engine.host, ...args, ...filters])).stdout);
  }, { limitMs: 5_000 });
}

/** Reads lines like `kill 1798000000123456789`; undefined when there is no signal with a start after it. Pure. */
export function awayMs(events: string): number | undefined {
  const lines = events.split("\n").map((line) => line.split(" "));
  const timesOf = (wanted: string) =>
    lines.filter(([action]) => action === wanted).map(([, time]) => BigInt(time ?? 0));
  const [killed, started] = [timesOf("kill").at(0), timesOf("start").at(-1)];
  if (killed === undefined || started === undefined || started <= killed) return undefined;
  return Number((started - killed) / 1_000n) / 1_000;
}

/** Now, as the engine's command takes it. */
function engineTime(): string {
  return (Date.now() / 1_000).toFixed(3);
}
