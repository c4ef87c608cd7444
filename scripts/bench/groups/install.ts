/** How long apps take from the request to running, compared with what the engine itself needs. */

import { createRequest } from "../../../lib/apps/container/create_request.ts";
import { pusherPassword, pusherUser } from "../../studio/logins.ts";
import { EngineCalls } from "../engine_calls.ts";
import { median, type Samples } from "../results.ts";
import {
  appNames,
  type BenchFixture,
  firstVersion,
  type GroupOptions,
  publish,
  repositoryOfApp,
  startAgent,
  startFixture,
  untilApps,
} from "../fixture.ts";
import { timeOf } from "../yardsticks.ts";

const manyApps = 10;
const singleRuns = 7;
const parallelRuns = 6;

/** Measures the rows of the group `install`. */
export async function measureInstall({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  const names = appNames(manyApps);
  await publish(fixture, { apps: names, version: firstVersion, recipe: {} });
  const engine = new EngineCalls(fixture.engine.socket);
  const measure = async (apps: readonly string[], runs: number) => {
    const [values, yardstick]: [number[], number[]] = [[], []];
    // The first run fills caches.
    for (let run = 0; run <= runs; run += 1) {
      const engineMs = await installByEngine(fixture, engine, apps);
      const agentMs = await installByAgent(fixture, apps);
      say(`${apps.length} at once: ${Math.round(agentMs)} ms, the engine alone ${Math.round(engineMs)} ms`);
      if (run === 0) continue;
      values.push(agentMs);
      yardstick.push(engineMs);
    }
    return { values, yardstick };
  };
  const single = await measure(names.slice(0, 1), singleRuns);
  const many = await measure(names, parallelRuns);
  await agent.stop();
  const engineMs = median(single.yardstick);
  return {
    "install.total": single,
    "install.beyond": { values: single.values.map((value) => value - engineMs) },
    "install.ten": many,
  };
}

/** Requests all apps at once, waits until they run, and uninstalls them. Returns the time until they ran. */
async function installByAgent(fixture: BenchFixture, apps: readonly string[]): Promise<number> {
  const { studio, device } = fixture;
  const request = (target: "RUNNING" | "UNINSTALLED") =>
    Promise.all(apps.map((app) => studio.request(device, app, { target })));
  const ms = await timeOf(async () => {
    await request("RUNNING");
    await untilApps(fixture, { names: apps, state: "RUNNING" });
  });
  await request("UNINSTALLED");
  await untilApps(fixture, { names: apps, state: "UNINSTALLED" });
  await removeImages(fixture);
  return ms;
}

/** The same without an agent. */
async function installByEngine(fixture: BenchFixture, engine: EngineCalls, apps: readonly string[]): Promise<number> {
  const { studio } = fixture;
  const login = { user: pusherUser, password: pusherPassword(studio.store) };
  const install = async (app: string) => {
    const repository = `${studio.registryHost}/${repositoryOfApp(fixture, app)}`;
    await engine.pull(repository, { tag: firstVersion, ...login });
    const id = await engine.create(`alone_${app}`, specOf(`${repository}:${firstVersion}`));
    await engine.start(id);
    return id;
  };
  let ids: string[] = [];
  const ms = await timeOf(async () => ids = await Promise.all(apps.map(install)));
  for (const id of ids) await engine.remove(id);
  await removeImages(fixture);
  return ms;
}

/** The container that the agent would create, without folders and variables. */
function specOf(image: string): ReturnType<typeof createRequest> {
  const app = { id: { appKey: 1, stage: "PROD" as const }, appName: "alone", version: firstVersion, releaseKey: 1 };
  const spec = createRequest({ image, app, env: [], ports: [], mounts: [], withGpu: false });
  // Without the agent's label, because it is not a container of the agent.
  return { ...spec, Labels: {} };
}

/** Every run starts with an empty engine, so that each pull fetches the layers. */
async function removeImages({ engine }: BenchFixture): Promise<void> {
  const ids = new Set((await engine.docker("images", "--quiet", "--no-trunc")).split("\n").filter((id) => id !== ""));
  if (ids.size > 0) await engine.docker("rmi", "--force", ...ids);
}
