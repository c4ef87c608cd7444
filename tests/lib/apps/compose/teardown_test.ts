import assert from "node:assert/strict";
import { hasCode, isCanceled } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { ComposeCli } from "../../../../lib/docker/compose_cli.ts";
import { DockerConfigs } from "../../../../lib/docker/docker_config.ts";
import { takeDown, tearDown } from "../../../../lib/apps/compose/teardown.ts";
import { FakeDockerCli } from "../../../fakes/fake_docker_cli.ts";
import { FakeProjectEngine } from "../../../fakes/fake_project_engine.ts";
import { never } from "../../../fakes/fake_handler_device.ts";

const name = "prod_7_shop_compose";
const works = "exit 0";
const refuses = 'test "$2" = version && exit 0; echo "unknown driver"; exit 1';
const isMissing = "exit 1";

function setUp(script: string) {
  const fake = new FakeDockerCli(script);
  const engine = new FakeProjectEngine();
  for (const id of ["web", "db"]) engine.containers.set(id, name);
  engine.containers.set("other", "prod_7_shop2_compose");
  engine.networks.set("net", name).set("othernet", "foreign");
  engine.volumes.set("data", name).set("otherdata", "foreign");
  const said: string[] = [];
  const configs = new DockerConfigs({ folder: `${fake.folder}/configs`, env: {} });
  const compose = new ComposeCli({ configs, env: {}, program: fake.program });
  const deps = { compose, engine, say: (text: string) => void said.push(text), log: silentLog };
  const project = { name, appName: "Shop", file: "/f/docker-compose.json" };
  return { fake, engine, said, deps, project, [Symbol.dispose]: () => fake[Symbol.dispose]() };
}

const down = { signal: never, volumes: false };

Deno.test("tearDown() runs nothing when the project has no containers", async () => {
  using set = setUp(works);
  await tearDown(set.deps, { ...set.project, name: "prod_7_shop" }, never);
  assert.deepEqual([set.fake.calls(), set.engine.changes, set.said], [[], [], []]);
});

Deno.test("tearDown() stops and removes with the command line, and directly what it has left", async () => {
  using set = setUp(works);
  set.engine.containers.set("byhand", name);
  set.engine.oneOffs.add("byhand");
  await tearDown(set.deps, set.project, never);
  assert.deepEqual(set.fake.calls(), [
    "compose version",
    "compose -f /f/docker-compose.json stop",
    "compose -f /f/docker-compose.json rm -f",
  ]);
  assert.deepEqual([...set.engine.containers.keys()].sort(), ["byhand", "other"]);
  assert.deepEqual(set.said, []);
});

Deno.test("tearDown() stops and removes each container directly when the command line fails, and says so", async () => {
  using set = setUp(refuses);
  set.engine.failures.set("stop web", "container_missing");
  set.engine.failures.set("remove db", "removal_running");
  await tearDown(set.deps, set.project, never);
  assert.deepEqual(set.engine.changes, ["stop db, 10 s", "remove web, force"]);
  assert.deepEqual(set.said, [
    "docker compose could not stop Shop (docker compose stop failed: exit status 1: unknown driver); " +
    "its containers were stopped and removed directly",
  ]);
});

Deno.test("tearDown() throws the error of the command line when the engine fails too", async () => {
  using set = setUp(refuses);
  set.engine.failures.set("stop web", "engine_failed");
  await assert.rejects(tearDown(set.deps, set.project, never), (error) => {
    return hasCode(error, "compose_failed") && /docker compose stop failed/.test(error.message);
  });
  assert.deepEqual(set.said, []);
  // The others are gone all the same.
  assert.deepEqual([...set.engine.containers.keys()], ["web", "other"]);
});

Deno.test("M52: tearDown() and takeDown() need no compose plugin", async () => {
  for (const script of [isMissing, works]) {
    using set = setUp(script);
    if (script === works) await Deno.remove(set.fake.program);
    await tearDown(set.deps, set.project, never);
    assert.deepEqual([...set.engine.containers.keys()], ["other"]);
    await takeDown(set.deps, set.project, { ...down, volumes: true });
    assert.deepEqual([[...set.engine.networks.keys()], [...set.engine.volumes.keys()]], [["othernet"], ["otherdata"]]);
    assert.deepEqual(set.said, []);
  }
});

Deno.test("M49: tearDown() and takeDown() end with their signal while the command line hangs", async () => {
  using set = setUp('test "$2" = version && exit 0; trap "" TERM; sleep 1000');
  for (
    const work of [tearDown, (...[deps, project, signal]: Parameters<typeof tearDown>) => {
      return takeDown(deps, project, { volumes: true, signal });
    }]
  ) {
    await assert.rejects(work(set.deps, set.project, AbortSignal.timeout(200)), isCanceled);
  }
  assert.deepEqual([set.engine.changes, set.said], [[], []]);
});

Deno.test("M48: takeDown() keeps volumes unless it is to remove them", async () => {
  for (const [volumes, args, kept] of [[false, "--remove-orphans", ["data"]], [true, "-v", []]] as const) {
    using set = setUp(works);
    await takeDown(set.deps, set.project, { ...down, volumes });
    assert.deepEqual(set.fake.calls()[1], `compose -f /f/docker-compose.json down ${args}`);
    assert.deepEqual([...set.engine.volumes.keys()], [...kept, "otherdata"]);
    assert.deepEqual([[...set.engine.networks.keys()], [...set.engine.containers.keys()]], [["othernet"], ["other"]]);
  }
});

Deno.test("takeDown() removes all by label when the command line fails", async () => {
  using set = setUp(refuses);
  await takeDown(set.deps, set.project, { ...down, volumes: true });
  assert.deepEqual(set.engine.changes.slice(0, 4).sort(), [
    ...["remove db, force, volumes", "remove web, force, volumes", "stop db, 10 s", "stop web, 10 s"],
  ]);
  assert.deepEqual(set.engine.changes.slice(4), ["removeNetwork net", "removeVolume data"]);
  assert.match(set.said.join(), /^docker compose could not stop Shop \(docker compose down failed: exit status 1: /);
});

Deno.test("takeDown() leaves what others use, and runs nothing when only that is left", async () => {
  using set = setUp(refuses);
  set.engine.containers.clear();
  set.engine.failures.set("removeNetwork net", "network_in_use").set("removeVolume data", "volume_in_use");
  await takeDown(set.deps, set.project, { ...down, volumes: true });
  assert.deepEqual([set.fake.calls(), set.engine.changes, set.said], [[], [], []]);
  set.engine.failures.set("removeVolume data", "engine_failed");
  await assert.rejects(takeDown(set.deps, set.project, { ...down, volumes: true }), { code: "engine_failed" });
});
