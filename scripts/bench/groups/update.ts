/** The downtime of an app during an update, compared with what the engine needs to stop and start a container. */

import { engineTime, readDowntime, switchByEngine } from "../downtime.ts";
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
    const image = `${relay.host}/${repositoryOfApp(fixture, app)}:${version}`;
    sample.yardstick.push(await switchByEngine(fixture.engine, image));
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
  return { ms: await readDowntime(fixture.engine, { since }), wholeMs: performance.now() - beganMs };
}
