// box engine registry
import { silentLog } from "../../lib/base/log.ts";
import { Engine } from "../../lib/docker/engine.ts";
import type { Release } from "../fakes/fake_engine.ts";
import { sleep } from "../../scripts/testbed/wait.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { type AppRecipe, buildImage, pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";
import { engineCases, runEngineCase } from "./engine_cases.ts";
import type { EngineUnderTest } from "./engine_fixture.ts";

const device = { user: "device", password: "secret" };

/** Turns what a release does into an image for a real engine. The label makes every image unique. */
function recipeOf(reference: string, { livesMs, exitCode = 0 }: Release): AppRecipe {
  const labels = { reference };
  return livesMs === undefined ? { labels } : { labels, exitCode, exitAfterMs: livesMs };
}

function controlOf(dockerd: Dockerd, registry: Registry): EngineUnderTest {
  return {
    engine: new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } }),
    registryHost: registry.host,
    auth: { host: registry.host, ...device },
    async publish(reference, release) {
      const name = reference.slice(registry.host.length + 1);
      await pushImage(dockerd, registry, { name, recipe: recipeOf(reference, release) });
    },
    stock: (reference, release) => buildImage(dockerd, { reference, recipe: recipeOf(reference, release) }),
    freezeRegistry: () => registry.freeze(),
    thawRegistry: () => registry.thaw(),
    kill: async (name) => void await dockerd.docker("kill", name),
    pause: async (name) => void await dockerd.docker("pause", name),
    unpause: async (name) => void await dockerd.docker("unpause", name),
    stopEngine: () => dockerd.stop(),
    startEngine: () => dockerd.start(),
    pass: sleep,
  };
}

// One engine for all cases, because it takes seconds to start; each case has names of its own.
Deno.test("a Docker engine meets the engine contract", async (t) => {
  await using dockerd = await Dockerd.start();
  await using registry = await Registry.start({ accounts: { [device.user]: device.password } });
  const control = controlOf(dockerd, registry);
  for (const one of engineCases) await t.step(one.name, () => runEngineCase(one, { name: "docker", control }));
});
