/** What a benchmark runs on, in a box: a real engine, a real registry, a router, the local Studio and one device of it. */

import { AgentProcess } from "../testbed/agent_process.ts";
import { busyboxImage, Dockerd } from "../testbed/dockerd.ts";
import { Crossbar } from "../testbed/crossbar.ts";
import { type AppRecipe, buildImage } from "../testbed/images.ts";
import { pusherPassword, pusherUser } from "../studio/logins.ts";
import { appByName, ensureApp, repositoryOf } from "../studio/releases.ts";
import { startStudio, type Studio } from "../studio/start_studio.ts";
import type { AddedDevice } from "../studio/studio.ts";
import type { Setting } from "./figures.ts";
import type { Program, RouterName } from "./row.ts";
import { projectRoot } from "../paths.ts";

/** The parts, and the device that the agent under test is. */
export interface Stage extends AsyncDisposable {
  engine: Dockerd;
  studio: Studio;
  device: AddedDevice;
}

/** What a group is measured with. */
export interface GroupWork {
  setting: Setting;
  /** Measured starts without apps, and again with apps. */
  starts: number;
  /** Tells what is going on. */
  say(text: string): void;
}

/** How the agent is reached, and reaches, when it is not the usual way. */
export interface Detours {
  engineHost?: string;
  routerUrl?: string;
  registryHost?: string;
}

/** The version that `installApps` installs. */
export const firstVersion = "1.0.0";

/** Where the programs are, as the agent of the tests is told. */
const files: Readonly<Record<Program, string>> = { source: "main.ts", bundle: "build/reagent.js" };

const identity = { name: "bench", serial: "bench-1", swarmKey: 12, deviceKey: 345, secret: "device-secret" };
const system = { authid: "system", secret: "system-secret" };

/** Starts all parts, with nothing installed on the device. Disposing ends them. */
export async function startStage(router: RouterName): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const engine = stack.use(await Dockerd.start());
  const crossbar = router === "embedded" ? undefined : stack.use(
    await Crossbar.start({
      users: [
        { authid: `${identity.swarmKey}-${identity.deviceKey}`, secret: identity.secret, role: "device" },
        { ...system, role: "system" },
      ],
    }),
  );
  const studio = stack.use(
    await startStudio({
      registry: { port: 5002, tokenPort: 5003 },
      ...(crossbar === undefined ? {} : { foreignRouter: { url: crossbar.url, ...system } }),
    }),
  );
  const device = studio.addDevice(identity);
  const owned = stack.move();
  return { engine, studio, device, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** Starts the agent and waits until it is connected. This start makes folders and database and fills caches. */
export async function startAgent(stage: Stage, program: Program, detours: Detours = {}): Promise<AgentProcess> {
  const { engine, studio, device } = stage;
  const { engineHost = engine.host, routerUrl, registryHost } = detours;
  const agent = await AgentProcess.start({
    flock: {
      ...device.flock,
      ...(routerUrl === undefined ? {} : { device_endpoint_url: routerUrl }),
      ...(registryHost === undefined ? {} : { docker_registry_url: `${registryHost}/` }),
    },
    program: projectRoot + files[program],
    env: { DOCKER_HOST: engineHost },
  });
  try {
    await studio.waitForStatus(device, "CONNECTED", { limitMs: 60_000 });
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
  return agent;
}

/** Installs that many apps on the running device and waits until all of them run. Each just waits if not told otherwise. */
export async function installApps(stage: Stage, count: number, recipe: AppRecipe = {}): Promise<string[]> {
  const names = appNames(count);
  await publish(stage, { apps: names, version: firstVersion, recipe });
  for (const name of names) await stage.studio.request(stage.device, name, { target: "RUNNING" });
  await untilApps(stage, { names, state: "RUNNING" });
  return names;
}

/** `app1`, `app2`, … */
export function appNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `app${index + 1}`);
}

/** Waits until the device has reported this state of all these apps. */
export async function untilApps(
  { studio, device }: Stage,
  { names, state }: { names: readonly string[]; state: string },
): Promise<void> {
  const areThere = () => {
    const apps = new Map(studio.apps(device).map(({ appName, current }) => [appName, current]));
    return names.every((name) => apps.get(name) === state) || undefined;
  };
  await studio.waitFor(`${names.length} apps are ${state}`, areThere, { limitMs: 120_000 });
}

/**
 * Makes one image, pushes it under the name of each app, as releases of one program would be, and notes the releases. Nothing
 * of it stays with the engine.
 */
export async function publish(
  { engine, studio }: Pick<Stage, "engine" | "studio">,
  { apps, version, recipe }: { apps: readonly string[]; version: string; recipe: AppRecipe },
): Promise<void> {
  const image = "bench:1";
  await ensureBusybox(engine);
  await buildImage(engine, { reference: image, recipe });
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    const auths = { [studio.registryHost]: { auth: btoa(`${pusherUser}:${pusherPassword(studio.store)}`) } };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ auths }), { mode: 0o600 });
    for (const name of apps) {
      const reference = `${studio.registryHost}/${repositoryOf(ensureApp(studio.store, name))}:${version}`;
      await engine.docker("tag", image, reference);
      await engine.docker("--config", folder, "push", "--quiet", reference);
      await engine.docker("rmi", reference);
      studio.pushed(name, version);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  await engine.docker("rmi", image, busyboxImage);
}

/** `prod_1_app1`: the container of an app, also the name of its log. */
export function containerOf({ studio }: Stage, app: string): string {
  return `prod_${appByName(studio.store, app).appKey}_${app}`;
}

/** `apps/prod_amd64_1_app1`: the repository of an app, below the registry. */
export function repositoryOfApp({ studio }: Stage, app: string): string {
  return repositoryOf(appByName(studio.store, app));
}

async function ensureBusybox(engine: Dockerd): Promise<void> {
  const { code } = await engine.tryDocker(["image", "inspect", busyboxImage]);
  if (code !== 0) await engine.importBusybox();
}
