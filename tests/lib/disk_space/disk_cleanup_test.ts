import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { type Log, type LogFields, silentLog } from "../../../lib/base/log.ts";
import type { DanglingVolume } from "../../../lib/docker/engine_storage.ts";
import { DiskCleanup } from "../../../lib/disk_space/disk_cleanup.ts";
import type { DiskUser } from "../../../lib/disk_space/disk_space.ts";
import { logLimitBytes } from "../../../lib/disk_space/truncate_logs.ts";
import { FakeClock } from "../../fakes/fake_clock.ts";
import { mustRun } from "../../../scripts/programs.ts";

const never = new AbortController().signal;
const hex = "ab".repeat(32);

const shop: DiskUser = {
  id: { appKey: 7, stage: "PROD" },
  appName: "Shop",
  repositories: ["127.0.0.1:5002/apps/shop"],
  versions: ["2"],
  definitions: [],
};

/** A clean-up in a folder of its own. It records calls in order, and any call can be made to fail. */
class World implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly folder = Deno.makeTempDirSync();
  readonly calls: string[] = [];
  readonly warnings: LogFields[] = [];
  readonly failing = new Set<string>();
  apps: readonly DiskUser[] | undefined = [shop];
  registryUrl = "127.0.0.1:5002/";
  hasRegistry = true;
  volumes: DanglingVolume[] = [];
  tags: string[] = [];
  readonly log: Log = { ...silentLog, warn: (_, fields = {}) => this.warnings.push(fields) };
  readonly cleanup = new DiskCleanup({
    engine: { pruneDanglingImages: () => this.do("prune images") },
    storage: {
      listContainers: () => this.do("list containers", []),
      listImages: () =>
        this.do("list images", [{
          id: "sha256:1",
          repoTags: this.tags,
          labels: {},
          created: 1,
          size: 1,
          sharedSize: 1,
          virtualSize: 1,
          containers: 1,
        }]),
      listDanglingVolumes: () => this.do("list volumes", this.volumes),
      pruneBuildCache: () => this.do("prune builds", 5),
      removeTag: (tag) => this.do(`remove ${tag}`),
      removeVolume: (name) => this.do(`remove ${name}`),
    },
    registryGc: () => this.hasRegistry ? () => this.do("collect", { freed: 1 }) : undefined,
    keptVolumes: () => new Set(),
    listApps: () => {
      if (this.failing.has("list apps")) throw new AgentError("store_failed", "list apps");
      return this.apps;
    },
    projectFolders: { PROD: `${this.folder}/compose`, DEV: `${this.folder}/build` },
    registryUrl: () => this.registryUrl,
    run: (program, args) => this.do([program, ...args].join(" ")),
    readFreeBytes: () => Promise.resolve(undefined),
    clock: this.clock,
    log: this.log,
  });

  do(what: string): Promise<void>;
  do<T>(what: string, answer: T): Promise<T>;
  do<T>(what: string, answer?: T): Promise<T | undefined> {
    this.calls.push(what);
    return this.failing.has(what) ? Promise.reject(new AgentError("engine_failed", what)) : Promise.resolve(answer);
  }

  async run(): Promise<string[]> {
    this.calls.length = 0;
    await this.cleanup.run(this.folder, never);
    return [...this.calls];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const all = [
  "collect",
  "prune images",
  "prune builds",
  "list volumes",
  "list images",
  "list containers",
  "journalctl --vacuum-size=100M",
  "apt-get clean",
];

Deno.test("run() runs the steps in order", async () => {
  await using world = new World();
  assert.deepEqual(await world.run(), all);
  assert.deepEqual(world.warnings, []);
});

Deno.test("run() continues after every failed step, and logs a lasting failure once", async () => {
  for (const step of all) {
    await using world = new World();
    world.failing.add(step);
    const expected = step === "list images" ? all.filter((name) => name !== "list containers") : all;
    assert.deepEqual(await world.run(), expected, step);
    await world.clock.advance(900_000);
    await world.run();
    assert.equal(world.warnings.length, 1, step);
    world.failing.clear();
    await world.clock.advance(900_000);
    await world.run();
    world.failing.add(step);
    await world.clock.advance(900_000);
    await world.run();
    assert.equal(world.warnings.length, 2, `${step}, again`);
  }
});

Deno.test("a program that is not installed is no failure", async () => {
  await using world = new World();
  const missing = { cause: new Deno.errors.NotFound("no such file") };
  const callThrough = world.do.bind(world);
  world.do = <T>(what: string, answer?: T) => {
    if (what.startsWith("apt-get")) return Promise.reject(new AgentError("command_failed", "Cannot run", missing));
    return callThrough(what, answer);
  };
  await world.run();
  assert.deepEqual(world.warnings, []);
});

Deno.test("the registry collects garbage at most every 15 minutes, also after a failure", async () => {
  await using world = new World();
  world.failing.add("collect");
  assert.ok((await world.run()).includes("collect"));
  await world.clock.advance(899_999);
  assert.ok(!(await world.run()).includes("collect"));
  await world.clock.advance(1);
  assert.ok((await world.run()).includes("collect"));
});

Deno.test("a missing registry does not use up the attempt", async () => {
  await using world = new World();
  world.hasRegistry = false;
  assert.ok(!(await world.run()).includes("collect"));
  world.hasRegistry = true;
  assert.ok((await world.run()).includes("collect"));
});

Deno.test("volumes are removed by their rules and the folders of their stage, and one that cannot be removed keeps no other", async () => {
  await using world = new World();
  for (const folder of ["compose/Ghost", "compose/Shop", "build/Draft"]) {
    await Deno.mkdir(`${world.folder}/${folder}`, { recursive: true });
  }
  await Deno.writeTextFile(`${world.folder}/compose/nofolder`, "");
  const volume = (name: string, project: string) => ({ name, labels: { "com.docker.compose.project": project } });
  world.volumes = [
    { name: hex, labels: {} },
    { name: "data", labels: {} },
    volume("ghost", "prod_5_ghost_compose"),
    volume("shop", "prod_7_shop_compose"),
    volume("draft", "dev_5_draft_compose"),
    volume("file", "prod_5_nofolder_compose"),
  ];
  world.failing.add(`remove ${hex}`);
  const removed = (await world.run()).filter((line) => line.startsWith("remove"));
  assert.deepEqual(removed, [`remove ${hex}`, "remove ghost", "remove draft"]);
  world.apps = undefined;
  assert.deepEqual((await world.run()).filter((line) => line.startsWith("remove")), [`remove ${hex}`]);
  world.apps = [];
  world.failing.add("list apps");
  assert.deepEqual((await world.run()).filter((line) => line.startsWith("remove")), [`remove ${hex}`]);
});

Deno.test("superseded images are removed only with a local registry, and only while the apps are known", async () => {
  await using world = new World();
  world.tags = ["127.0.0.1:5002/apps/shop:1", "127.0.0.1:5002/apps/shop:2"];
  const removed = async () => (await world.run()).filter((line) => line.startsWith("remove"));
  assert.deepEqual(await removed(), ["remove 127.0.0.1:5002/apps/shop:1"]);
  world.apps = undefined;
  assert.deepEqual(await removed(), []);
  world.apps = [shop];
  world.failing.add("list apps");
  assert.deepEqual(await removed(), []);
  world.failing.clear();
  world.failing.add("list containers");
  assert.deepEqual(await removed(), []);
  world.failing.clear();
  world.registryUrl = "registry.example.com/";
  world.tags = ["registry.example.com/apps/shop:1"];
  assert.deepEqual(await removed(), []);
});

Deno.test("large container logs are emptied in place; smaller ones and other files stay", async () => {
  await using world = new World();
  const folder = `${world.folder}/containers/ab`;
  await Deno.mkdir(`${folder}/local-logs`, { recursive: true });
  const sizes: [string, number, number][] = [
    [`${folder}/ab-json.log`, logLimitBytes + 1, 0],
    [`${folder}/local-logs/container.log`, logLimitBytes + 1, 0],
    [`${folder}/small.log`, logLimitBytes, logLimitBytes],
    [`${folder}/config.json`, logLimitBytes + 1, logLimitBytes + 1],
    [`${world.folder}/outside.log`, logLimitBytes + 1, logLimitBytes + 1],
  ];
  for (const [path, size] of sizes) {
    await Deno.writeTextFile(path, "");
    await Deno.truncate(path, size);
  }
  await Deno.symlink(`${world.folder}/outside.log`, `${folder}/link.log`);
  const before = await Deno.stat(`${folder}/ab-json.log`);
  await world.run();
  for (const [path, , expected] of sizes) assert.equal((await Deno.stat(path)).size, expected, path);
  assert.equal((await Deno.stat(`${folder}/ab-json.log`)).ino, before.ino);
});

Deno.test("#1: no log is looked for in folders that containers write to, and nothing else is opened", async () => {
  await using world = new World();
  const folder = `${world.folder}/containers/ab`;
  // The shared memory of a container lies here.
  await Deno.mkdir(`${folder}/mounts/shm/deep`, { recursive: true });
  const large = [`${folder}/mounts/shm/own.log`, `${folder}/mounts/shm/deep/own.log`, `${world.folder}/outside.log`];
  for (const path of large) {
    await Deno.writeTextFile(path, "");
    await Deno.truncate(path, logLimitBytes + 1);
  }
  await Deno.symlink(world.folder, `${folder}/local-logs`);
  await Deno.symlink(world.folder, `${world.folder}/containers/link`);
  await mustRun("mkfifo", [`${folder}/pipe.log`]);
  await world.run();
  for (const path of large) assert.equal((await Deno.stat(path)).size, logLimitBytes + 1, path);
});

Deno.test("run() ends when its signal is aborted", async () => {
  await using world = new World();
  const controller = new AbortController();
  const callThrough = world.do.bind(world);
  world.do = <T>(what: string, answer?: T) => {
    controller.abort();
    return callThrough(what, answer);
  };
  await assert.rejects(world.cleanup.run(world.folder, controller.signal), { code: "canceled" });
  assert.deepEqual(world.calls, ["collect"]);
});
