// box engine
import assert from "node:assert/strict";
import { systemClock } from "../../../lib/async/clock.ts";
import { silentLog } from "../../../lib/base/log.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { EngineStorage } from "../../../lib/docker/engine_storage.ts";
import { readFreeBytes } from "../../../lib/host/disk_space.ts";
import { DiskCleanup } from "../../../lib/disk_space/disk_cleanup.ts";
import type { DiskUser } from "../../../lib/disk_space/disk_space.ts";
import { DiskGuard } from "../../../lib/disk_space/disk_guard.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { runProgram } from "../../../scripts/programs.ts";
import { busyboxImage, Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { buildImage } from "../../../scripts/testbed/images.ts";

const MiB = 1024 ** 2;
const diskBytes = 256 * MiB;
const thresholds = { lowBytes: 160 * MiB, emergencyBytes: 96 * MiB };
const registry = "127.0.0.1:5002";
const own = `${registry}/apps/prod_amd64_7_shop`;
const project = "com.docker.compose.project";
const appliance = `${project}=ironflock-appliance`;

const shop: DiskUser = {
  id: { appKey: 7, stage: "PROD" },
  appName: "Shop",
  repositories: [own],
  versions: ["2"],
  definitions: [],
};

/** An engine whose data is on a small disk of its own, and the agent's guard of that disk. */
class World implements AsyncDisposable {
  readonly folder: string;
  readonly disk: string;
  readonly changes: boolean[] = [];
  readonly commands: string[] = [];
  engine: Dockerd | undefined;
  guard: DiskGuard | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    this.disk = `${folder}/disk`;
  }

  static async start(): Promise<World> {
    const world = new World(await Deno.makeTempDir({ prefix: "g-" }));
    await Deno.mkdir(world.disk);
    const mounted = await runProgram("mount", ["-t", "tmpfs", "-o", `size=${diskBytes}`, "disk", world.disk]);
    assert.equal(mounted.code, 0, mounted.stderr);
    world.engine = await Dockerd.start({ args: ["--data-root", `${world.disk}/data`] });
    return world;
  }

  async docker(...args: string[]): Promise<string> {
    assert.ok(this.engine !== undefined);
    return await this.engine.docker(...args);
  }

  /** Starts the guard as the agent does. */
  async startGuard(): Promise<DiskGuard> {
    const env = { DOCKER_HOST: this.engine?.host };
    const engine = new Engine({ log: silentLog, env });
    const storage = new EngineStorage({ env, log: silentLog });
    const cleanup = new DiskCleanup({
      engine,
      storage,
      registryGc: () => undefined,
      listApps: () => [shop],
      keptVolumes: () => new Set(),
      projectFolders: { PROD: `${this.folder}/compose`, DEV: `${this.folder}/build` },
      registryUrl: () => `${registry}/`,
      run: (program, args) => {
        // The journal and the package archives of this machine are not touched.
        this.commands.push([program, ...args].join(" "));
        return Promise.resolve();
      },
      readFreeBytes,
      clock: systemClock,
      log: silentLog,
    });
    this.guard = new DiskGuard({
      engine,
      storage,
      readFreeBytes,
      cleanUp: (dataRoot, signal) => cleanup.run(dataRoot, signal),
      onChange: (isEmergency) => this.changes.push(isEmergency),
      thresholds,
      clock: systemClock,
      log: silentLog,
    });
    await this.guard.measure();
    return this.guard;
  }

  /** Fills the disk so that `bytes` are free. */
  async leaveFree(bytes: number): Promise<void> {
    await Deno.remove(`${this.disk}/filler`).catch(() => {});
    const surplus = (await readFreeBytes(this.disk) ?? 0) - bytes;
    const filled = await runProgram("fallocate", ["-l", `${Math.max(surplus, 1)}`, `${this.disk}/filler`]);
    assert.equal(filled.code, 0, filled.stderr);
  }

  async running(): Promise<string[]> {
    return (await this.docker("ps", "--format", "{{.Names}}")).split("\n").filter((name) => name !== "").sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.guard?.[Symbol.asyncDispose]();
    await this.engine?.[Symbol.asyncDispose]();
    await runProgram("umount", ["-l", this.disk]);
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function addImages(world: World): Promise<void> {
  assert.ok(world.engine !== undefined);
  const images = [`${own}:0`, `${own}:1`, `${own}:2`, "registry.example.com/apps/other:1"];
  for (const image of [...images, `${own}:2`]) {
    // Each build is another image, so the first image of version 2 loses its name.
    await buildImage(world.engine, { reference: image, recipe: { labels: { n: crypto.randomUUID() } } });
  }
  await world.docker("create", "--name", "idle", `${own}:0`);
}

async function addVolumes(world: World): Promise<{ anonymous: string }> {
  const anonymous = await world.docker("volume", "create");
  await world.docker("volume", "create", "data");
  const volumes = { ghost: "prod_5_ghost_compose", shop: "prod_7_shop_compose", used: "prod_5_ghost_compose" };
  for (const [name, label] of Object.entries(volumes)) {
    await world.docker("volume", "create", "--label", `${project}=${label}`, name);
  }
  await world.docker("create", "--name", "user", "-v", "used:/data", "-v", "/anonymous", busyboxImage);
  await Deno.mkdir(`${world.folder}/compose/Ghost`, { recursive: true });
  return { anonymous };
}

Deno.test("the guard of a real engine on a small disk", async (t) => {
  await using world = await World.start();
  const run = (name: string, ...args: string[]) =>
    world.docker(
      "run",
      "--detach",
      "--name",
      name,
      ...args,
      busyboxImage,
      "sh",
      "-c",
      "trap exit TERM; while :; do echo x; sleep 0.1; done",
    );
  await run("prod_7_shop");
  await run("foreign");
  await run("appliance", "--label", appliance);
  const everything = ["appliance", "foreign", "prod_7_shop"];
  await addImages(world);
  const { anonymous } = await addVolumes(world);
  const images = async () => (await world.docker("images", "--format", "{{.Repository}}:{{.Tag}}")).split("\n").sort();
  const volumes = async () => (await world.docker("volume", "ls", "--quiet")).split("\n").sort();
  const logFile = await world.docker("inspect", "--format", "{{.LogPath}}", "prod_7_shop");
  const guard = await world.startGuard();

  await t.step("with enough free space, nothing is touched", async () => {
    assert.equal(guard.isEmergency, false);
    assert.deepEqual(world.commands, []);
    assert.equal((await volumes()).includes(anonymous), true);
    assert.ok((await images()).includes(`${own}:1`));
  });

  await t.step("a low disk is cleaned up, and nothing that is needed is removed", async () => {
    await Deno.truncate(logFile, 60 * MiB);
    await world.leaveFree(thresholds.lowBytes - MiB);
    await guard.measure();
    await pollUntil("the logs were emptied", async () => (await Deno.stat(logFile)).size < MiB || undefined, {
      limitMs: 30_000,
    });
    assert.equal(guard.isEmergency, false);
    assert.deepEqual(
      await images(),
      [`${own}:0`, `${own}:2`, "registry.example.com/apps/other:1", busyboxImage].sort(),
    );
    const left = await volumes();
    assert.deepEqual(left.filter((name) => name.length < 64), ["data", "shop", "used"]);
    assert.equal(left.length, 4);
    assert.ok(!left.includes(anonymous));
    assert.equal(await world.docker("images", "--quiet", "--filter", "dangling=true"), "");
    assert.deepEqual(world.commands, ["journalctl --vacuum-size=100M", "apt-get clean"]);
    assert.deepEqual(await world.running(), everything);
  });

  await t.step("the engine keeps writing to a log that was emptied", async () => {
    await pollUntil("the log grows again", async () => {
      // Not the tail: the engine remembers its old position.
      return (await world.docker("logs", "prod_7_shop")).startsWith("x\nx") || undefined;
    }, { limitMs: 5_000 });
  });

  await t.step("a full disk is an emergency: everything but the appliance is stopped with SIGTERM", async () => {
    await world.leaveFree(thresholds.emergencyBytes - MiB);
    await guard.measure();
    assert.equal(guard.isEmergency, true);
    await pollUntil("the containers are stopped", async () => {
      return (await world.running()).join() === "appliance" || undefined;
    }, { limitMs: 30_000 });
    assert.equal(await world.docker("inspect", "--format", "{{.State.ExitCode}}", "foreign"), "0");
  });

  await t.step("a container that starts again is stopped by the next measurement", async () => {
    await world.docker("start", "foreign");
    await pollUntil("it is stopped", async () => {
      await guard.measure();
      return (await world.running()).join() === "appliance" || undefined;
    }, { limitMs: 30_000 });
  });

  await t.step("below the upper threshold the emergency lasts, and nothing more is stopped", async () => {
    // The clean-up may still free some of it meanwhile.
    await world.leaveFree((thresholds.lowBytes + thresholds.emergencyBytes) / 2);
    await guard.measure();
    assert.equal(guard.isEmergency, true);
    await world.docker("start", "foreign");
    await guard.measure();
    assert.deepEqual(await world.running(), ["appliance", "foreign"]);
    assert.deepEqual(world.changes, [true]);
  });

  await t.step("enough free space ends the emergency", async () => {
    await Deno.remove(`${world.disk}/filler`);
    await guard.measure();
    assert.equal(guard.isEmergency, false);
    assert.deepEqual(world.changes, [true, false]);
  });

  await t.step("an engine that hangs does not delay isEmergency", async () => {
    await world.engine?.freeze();
    await world.leaveFree(thresholds.emergencyBytes - MiB);
    const beganAt = performance.now();
    await guard.measure();
    assert.equal(guard.isEmergency, true);
    assert.ok(performance.now() - beganAt < 5_000);
    world.engine?.thaw();
  });
});
