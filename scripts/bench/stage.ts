/** What a benchmark runs on, in a box: a real engine, a real registry, a router, the local Studio and one device of it. */

import { busyboxImage, Dockerd } from "../../tests/parts/engine.ts";
import { Crossbar } from "../../tests/parts/crossbar.ts";
import { type AppRecipe, buildImage } from "../../tests/parts/images.ts";
import { pusherPassword, pusherUser } from "../studio/logins.ts";
import { ensureApp, repositoryOf } from "../studio/releases.ts";
import { startStudio, type Studio } from "../studio/start_studio.ts";
import type { AddedDevice } from "../studio/studio.ts";
import type { RouterName } from "./arguments.ts";

/** The parts, and the device that the agent under test is. */
export interface Stage extends AsyncDisposable {
  engine: Dockerd;
  studio: Studio;
  device: AddedDevice;
}

const identity = { name: "bench", serial: "bench-1", swarmKey: 12, deviceKey: 345, secret: "device-secret" };
const system = { authid: "system", secret: "system-secret" };
const version = "1.0.0";

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

/** Installs that many apps on the running device and waits until all of them run. Each of them just waits, if not told otherwise. */
export async function installApps(
  { engine, studio, device }: Stage,
  count: number,
  recipe: AppRecipe = {},
): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `app${index + 1}`);
  await pushReleases({ engine, studio }, names, recipe);
  await engine.docker("rmi", busyboxImage);
  for (const name of names) {
    studio.pushed(name, version);
    await studio.request(device, name, { target: "RUNNING" });
  }
  const areRunning = () => {
    const apps = studio.apps(device);
    return apps.length === count && apps.every(({ current }) => current === "RUNNING") || undefined;
  };
  await studio.waitFor(`${count} apps run`, areRunning, { limitMs: 120_000 });
  return names;
}

/** One image under the name of each app, as releases of one program would be. Needs the base image, which `installApps` removes. */
export async function pushReleases(
  { engine, studio }: Pick<Stage, "engine" | "studio">,
  names: string[],
  recipe: AppRecipe,
): Promise<void> {
  const image = "bench:1";
  await buildImage(engine, image, recipe);
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    const auths = { [studio.registryHost]: { auth: btoa(`${pusherUser}:${pusherPassword(studio.store)}`) } };
    await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ auths }), { mode: 0o600 });
    for (const name of names) {
      const reference = `${studio.registryHost}/${repositoryOf(ensureApp(studio.store, name))}:${version}`;
      await engine.docker("tag", image, reference);
      await engine.docker("--config", folder, "push", "--quiet", reference);
      await engine.docker("rmi", reference);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  await engine.docker("rmi", image);
}
