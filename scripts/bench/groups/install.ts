/** How long apps take from the wish to running, beside what the engine itself needs. */

import { createRequest } from "../../../lib/apps/container/create_request.ts";
import { pusherPassword, pusherUser } from "../../studio/logins.ts";
import { EngineCalls } from "../engine_calls.ts";
import { median, type Samples } from "../figures.ts";
import {
  appNames,
  firstVersion,
  type GroupWork,
  publish,
  repositoryOfApp,
  type Stage,
  startAgent,
  startStage,
  untilApps,
} from "../stage.ts";
import { timeOf } from "../yardsticks.ts";

const manyApps = 10;
const singleRounds = 7;
const manyRounds = 2;

/** Measures the rows of the group `install`. */
export async function measureInstall({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  const names = appNames(manyApps);
  await publish(stage, { apps: names, version: firstVersion, recipe: {} });
  const engine = new EngineCalls(stage.engine.socket);
  const measure = async (apps: readonly string[], rounds: number) => {
    const [values, yardstick]: [number[], number[]] = [[], []];
    // The first round fills caches.
    for (let round = 0; round <= rounds; round += 1) {
      const engineMs = await installByEngine(stage, engine, apps);
      const agentMs = await installByAgent(stage, apps);
      say(`${apps.length} at once: ${Math.round(agentMs)} ms, the engine alone ${Math.round(engineMs)} ms`);
      if (round === 0) continue;
      values.push(agentMs);
      yardstick.push(engineMs);
    }
    return { values, yardstick };
  };
  const single = await measure(names.slice(0, 1), singleRounds);
  const many = await measure(names, manyRounds);
  await agent.stop();
  const engineMs = median(single.yardstick);
  return {
    "install.total": single,
    "install.beyond": { values: single.values.map((value) => value - engineMs) },
    "install.ten": many,
  };
}

/** Asks for all apps at once, waits until they run, and takes them away again. Gives the time until they ran. */
async function installByAgent(stage: Stage, apps: readonly string[]): Promise<number> {
  const { studio, device } = stage;
  const ask = (target: "RUNNING" | "UNINSTALLED") =>
    Promise.all(apps.map((app) => studio.request(device, app, { target })));
  const ms = await timeOf(async () => {
    await ask("RUNNING");
    await untilApps(stage, { names: apps, state: "RUNNING" });
  });
  await ask("UNINSTALLED");
  await untilApps(stage, { names: apps, state: "UNINSTALLED" });
  await removeImages(stage);
  return ms;
}

/** The same without an agent. */
async function installByEngine(stage: Stage, engine: EngineCalls, apps: readonly string[]): Promise<number> {
  const { studio } = stage;
  const login = { user: pusherUser, password: pusherPassword(studio.store) };
  const install = async (app: string) => {
    const repository = `${studio.registryHost}/${repositoryOfApp(stage, app)}`;
    await engine.pull(repository, { tag: firstVersion, ...login });
    const id = await engine.create(`alone_${app}`, specOf(`${repository}:${firstVersion}`));
    await engine.start(id);
    return id;
  };
  let ids: string[] = [];
  const ms = await timeOf(async () => ids = await Promise.all(apps.map(install)));
  for (const id of ids) await engine.remove(id);
  await removeImages(stage);
  return ms;
}

/** The container that the agent would make, without folders and variables. */
function specOf(image: string): ReturnType<typeof createRequest> {
  const app = { id: { appKey: 1, stage: "PROD" as const }, appName: "alone", version: firstVersion, releaseKey: 1 };
  const spec = createRequest({ image, app, env: [], ports: [], mounts: [], withGpu: false });
  // Not with the agent's label: it is none of its containers.
  return { ...spec, Labels: {} };
}

/** Every round begins with an empty engine, so that each pull has to fetch the layers. */
async function removeImages({ engine }: Stage): Promise<void> {
  const ids = new Set((await engine.docker("images", "--quiet", "--no-trunc")).split("\n").filter((id) => id !== ""));
  if (ids.size > 0) await engine.docker("rmi", "--force", ...ids);
}
