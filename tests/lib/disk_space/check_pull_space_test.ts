// box engine registry
import assert from "node:assert/strict";
import { neededBytesFor } from "../../../lib/disk_space/pull_space.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { EngineStorage } from "../../../lib/docker/engine_storage.ts";
import { readRemoteLayers } from "../../../lib/docker/manifest.ts";
import { checkPullSpace } from "../../../lib/disk_space/check_pull_space.ts";
import { Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { pushImage } from "../../../scripts/testbed/images.ts";
import { Registry } from "../../../scripts/testbed/registry.ts";

const never = new AbortController().signal;

/** The sizes in the registry's own manifest of one platform. */
async function sizesOf(registry: Registry, repository: string, tag: string): Promise<number[]> {
  const accept = "application/vnd.docker.distribution.manifest.v2+json";
  const found = await (await registry.request(repository, `manifests/${tag}`, { headers: { accept } })).json();
  return found.layers.map(({ size }: { size: number }) => size);
}

Deno.test("the size of a pull, as reported by the real registry", async (t) => {
  await using dockerd = await Dockerd.start();
  await using registry = await Registry.start({ accounts: { token: "secret" } });
  const env = { DOCKER_HOST: dockerd.host };
  const engine = new Engine({ log: silentLog, env });
  const storage = new EngineStorage({ env, log: silentLog });
  const auth = { host: registry.host, user: "token", password: "secret" };
  const repository = `apps/prod_${(await engine.platform(never)).architecture}_7_shop`;
  const reference = await pushImage(dockerd, registry, { name: `${repository}:1`, recipe: { sizeMb: 3 } });
  const platform = await engine.platform(never);
  const ask = (given: Partial<Parameters<typeof readRemoteLayers>[0]> = {}) =>
    readRemoteLayers({ reference, auth, platform, signal: never, withDiffIds: true, log: silentLog, ...given });

  await t.step(
    "readRemoteLayers() returns the sizes in the manifest, and layers as the engine will know them",
    async () => {
      const layers = await ask();
      assert.deepEqual(layers?.map(({ sizeBytes }) => sizeBytes), await sizesOf(registry, repository, "1"));
      assert.ok(layers.some(({ sizeBytes }) => sizeBytes > 3_000_000));
      const [base] = await storage.listLayers(never);
      assert.equal(layers[0]?.diffId, base?.[0]);
    },
  );

  await t.step("a wrong password, a missing tag and a missing repository have no size", async () => {
    assert.equal(await ask({ auth: { ...auth, password: "wrong" } }), undefined);
    assert.equal(await ask({ auth: undefined }), undefined);
    assert.equal(await ask({ reference: `${registry.host}/${repository}:9` }), undefined);
    assert.equal(await ask({ reference: `${registry.host}/apps/nobody:1` }), undefined);
    assert.notEqual(await ask(), undefined);
  });

  await t.step("an image for other platforms only has no size", async () => {
    const name = "apps/foreign:1";
    const foreign = await pushImage(dockerd, registry, { name, recipe: { foreign: "index", sizeMb: 1 } });
    assert.equal(await ask({ reference: foreign }), undefined);
    const layers = await ask({ reference: foreign, platform: { os: "linux", architecture: "arm64" } });
    assert.ok((layers ?? []).some(({ sizeBytes }) => sizeBytes > 1_000_000));
  });

  await t.step("a registry that answers with an error, or not at all, reports no size", async () => {
    for (const behaviour of ["unauthorized", "unavailable", "html", "refuse", "expired"] as const) {
      await registry.behave(behaviour);
      assert.equal(await ask(), undefined, behaviour);
    }
    await registry.behave("normal");
    await registry.freeze();
    assert.equal(await ask({ limitMs: 300 }), undefined);
    registry.thaw();
  });

  await t.step("checkPullSpace() counts only layers that the engine does not have", async () => {
    const sizes = await sizesOf(registry, repository, "1");
    const whole = neededBytesFor(sizes.reduce((sum, size) => sum + size, 0));
    const missing = neededBytesFor(sizes.slice(1).reduce((sum, size) => sum + size, 0));
    const check = (freeBytes: number | undefined) =>
      checkPullSpace(
        { engine, storage, readFreeBytes: () => Promise.resolve(freeBytes), reserveBytes: 1000, log: silentLog },
        { reference, auth, signal: never },
      );
    assert.ok(missing < whole);
    assert.deepEqual(await check(missing + 1000), { kind: "fits" });
    assert.deepEqual(await check(missing + 999), { kind: "noSpace", neededBytes: missing, freeBytes: missing + 999 });
    assert.deepEqual(await check(undefined), { kind: "fits" });
    const pull = await engine.openPull(reference, auth, never);
    await pull.readToEnd(() => {});
    assert.deepEqual(await check(0), { kind: "fits" });
  });

  await t.step("checkPullSpace() accepts every image whose size is unknown", async () => {
    await registry.stop();
    const deps = { engine, storage, readFreeBytes: () => Promise.resolve(0), log: silentLog };
    assert.deepEqual(await checkPullSpace(deps, { reference, auth, signal: never }), { kind: "fits" });
    await registry.start();
  });
});
