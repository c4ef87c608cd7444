/** The fixture of a benchmark, in a box: a real engine and registry, a router, and the local Studio with one device. */

import { AgentProcess } from "../testbed/agent_process.ts";
import { busyboxImage, Dockerd } from "../testbed/dockerd.ts";
import { Crossbar } from "../testbed/crossbar.ts";
import { type AppRecipe, buildImage } from "../testbed/images.ts";
import { writeDockerLogin } from "../studio/docker_login.ts";
import { pusherPassword, pusherUser } from "../studio/logins.ts";
import { appByName, ensureApp, repositoryOf } from "../studio/releases.ts";
import { startStudio } from "../studio/start_studio.ts";
import type { AddedDevice, Studio } from "../studio/studio.ts";
import type { Setting } from "./results.ts";
import type { Program, RouterName } from "./row.ts";
import { projectRoot } from "../paths.ts";

/** A running fixture. Disposing ends it. */
export interface BenchFixture extends AsyncDisposable {
  engine: Dockerd;
  studio: Studio;
  device: AddedDevice;
}

/** How a group is measured. */
export interface GroupOptions {
  setting: Setting;
  /** How many starts to measure without apps, and again with apps. */
  starts: number;
  /** Prints progress. */
  say(text: string): void;
}

/** Addresses that the agent uses instead of the fixture's own. */
export interface RouteOptions {
  engineHost?: string;
  routerUrl?: string;
  registryHost?: string;
  /** More environment variables of the agent. */
  env?: Readonly<Record<string, string>>;
  /** Files that are copied into the agent's folder, by their names there. */
  files?: Readonly<Record<string, string>>;
}

/** The version that `installApps` installs. */
export const firstVersion = "1.0.0";

/** The files of the programs. */
const files: Readonly<Record<Program, string>> = { source: "main.ts", bundle: "build/reagent.js" };

const identity = { name: "bench", serial: "bench-1", swarmKey: 12, deviceKey: 345, secret: "device-secret" };
const system = { authid: "system", secret: "system-secret" };

/** Starts everything except the agent; nothing is installed on the device. */
export async function startFixture(router: RouterName): Promise<BenchFixture> {
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

/** The file of a program. */
export function programFile(program: Program): string {
  return projectRoot + files[program];
}

/** Starts the agent and waits until it is connected. This start creates folders and the database and fills caches. */
export async function startAgent(
  fixture: BenchFixture,
  program: Program,
  routes: RouteOptions = {},
): Promise<AgentProcess> {
  const { engine, studio, device } = fixture;
  const { engineHost = engine.host, routerUrl, registryHost, env = {}, files: copied = {} } = routes;
  const agent = await AgentProcess.start({
    flock: {
      ...device.flock,
      ...(routerUrl === undefined ? {} : { device_endpoint_url: routerUrl }),
      ...(registryHost === undefined ? {} : { docker_registry_url: `${registryHost}/` }),
    },
    program: programFile(program),
    env: { DOCKER_HOST: engineHost, ...env },
    files: copied,
  });
  try {
    await studio.waitForStatus(device, "CONNECTED", { limitMs: 60_000 });
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
  return agent;
}

/** Installs apps on the running device and waits until all of them run. Without a recipe they do nothing. */
export async function installApps(
  fixture: BenchFixture,
  count: number,
  recipe: Partial<AppRecipe> = {},
): Promise<string[]> {
  const names = appNames(count);
  await publish(fixture, { apps: names, version: firstVersion, recipe });
  for (const name of names) await fixture.studio.request(fixture.device, name, { target: "RUNNING" });
  await untilApps(fixture, { names, state: "RUNNING" });
  return names;
}

/** `app1`, `app2`, … */
export function appNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `app${index + 1}`);
}

/** Waits until the device has reported a state of all these apps. */
export async function untilApps(
  { studio, device }: BenchFixture,
  { names, state }: { names: readonly string[]; state: string },
): Promise<void> {
  const haveState = () => {
    const apps = new Map(studio.apps(device).map(({ appName, current }) => [appName, current]));
    return names.every((name) => apps.get(name) === state) || undefined;
  };
  await studio.waitFor(`${names.length} apps are ${state}`, haveState, { limitMs: 120_000 });
}

/** Builds one image, pushes it as a release of each app, and removes it from the engine. */
export async function publish(
  { engine, studio }: Pick<BenchFixture, "engine" | "studio">,
  { apps, version, recipe }: { apps: readonly string[]; version: string; recipe: AppRecipe },
): Promise<void> {
  const image = "bench:1";
  await ensureBusybox(engine);
  await buildImage(engine, { reference: image, recipe });
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    const password = pusherPassword(studio.store);
    await writeDockerLogin(folder, { host: studio.registryHost, user: pusherUser, password });
    for (const name of apps) {
      const reference = `${studio.registryHost}/${repositoryOf(ensureApp(studio.store, name))}:${version}`;
      await engine.docker("tag", image, reference);
      await engine.docker("--config", folder, "push", "--quiet", reference);
      await engine.docker("rmi", reference);
      studio.addRelease(name, version);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  await engine.docker("rmi", image, busyboxImage);
}

/** The name of an app's container and of its log: `prod_1_app1`. */
export function containerOf({ studio }: BenchFixture, app: string): string {
  return `prod_${appByName(studio.store, app).appKey}_${app}`;
}

/** The repository of an app below the registry's host: `apps/prod_amd64_1_app1`. */
export function repositoryOfApp({ studio }: BenchFixture, app: string): string {
  return repositoryOf(appByName(studio.store, app));
}

async function ensureBusybox(engine: Dockerd): Promise<void> {
  const { code } = await engine.tryDocker(["image", "inspect", busyboxImage]);
  if (code !== 0) await engine.importBusybox();
}
