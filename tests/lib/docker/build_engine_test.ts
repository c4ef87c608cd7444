// box engine registry
import assert from "node:assert/strict";
import { AgentError } from "../../../lib/base/errors.ts";
import { silentLog } from "../../../lib/base/log.ts";
import type { BuildOptions } from "../../../lib/docker/build.ts";
import { buildWithCli } from "../../../lib/docker/cli_build.ts";
import { DockerConfigs } from "../../../lib/docker/docker_config.ts";
import { Engine } from "../../../lib/docker/engine.ts";
import { engineTextOf } from "../../../lib/docker/errors.ts";
import { Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { pushImage } from "../../../scripts/testbed/images.ts";
import { Registry } from "../../../scripts/testbed/registry.ts";
import { pollUntil, sleep } from "../../../scripts/testbed/wait.ts";
import { never } from "../../fakes/fake_handler_device.ts";
import { type TarEntry, tarOf, tgzOf } from "../../fakes/tar_archive.ts";

const login = { user: "device", password: "secret" };

/** An engine with a registry, and a folder for archives. */
class World implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "builds-" });
  readonly engine: Engine;
  readonly dockerd: Dockerd;
  readonly registry: Registry;
  #archives = 0;

  private constructor(dockerd: Dockerd, registry: Registry) {
    this.dockerd = dockerd;
    this.registry = registry;
    this.engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });
  }

  static async start(): Promise<World> {
    return new World(await Dockerd.start(), await Registry.start({ accounts: { [login.user]: login.password } }));
  }

  get auth() {
    return { host: this.registry.host, ...login };
  }

  async archive(dockerfile: string | undefined, others: TarEntry[] = []): Promise<string> {
    const entries = dockerfile === undefined ? [] : [{ name: "Dockerfile", content: dockerfile }];
    const path = `${this.folder}/${this.#archives += 1}.tgz`;
    await Deno.writeFile(path, await tgzOf([...entries, ...others]));
    return path;
  }

  /** Builds to the end and returns the lines of output. */
  async build(archivePath: string, change: Partial<BuildOptions> = {}): Promise<string[]> {
    const lines: string[] = [];
    const reference = `${this.registry.host}/apps/dev_amd64_1_app:latest`;
    const options = { archivePath, reference, dockerfile: "Dockerfile", buildId: "b", logins: [], signal: never };
    const build = await this.engine.openBuild({ ...options, ...change });
    await build.readToEnd((line) => lines.push(line));
    return lines;
  }

  async containers(): Promise<string> {
    return await this.dockerd.docker("ps", "-aq");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.registry[Symbol.asyncDispose]();
    await this.dockerd[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}

async function failureOf(work: Promise<unknown>): Promise<AgentError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof AgentError, `${error}`);
  return error;
}

/** Aborts as soon as `lines` match, and returns how long the end took then. */
async function abortWhen(
  isThere: () => boolean,
  begin: (signal: AbortSignal) => Promise<unknown>,
): Promise<{ ms: number; error: AgentError }> {
  const controller = new AbortController();
  const failed = failureOf(begin(controller.signal));
  await pollUntil("the work has begun", () => Promise.resolve(isThere() || undefined), { limitMs: 20_000 });
  const startedAt = performance.now();
  controller.abort();
  const error = await failed;
  return { error, ms: performance.now() - startedAt };
}

Deno.test("builds of a real engine", async (t) => {
  await using world = await World.start();
  const { engine, dockerd, registry } = world;

  await t.step("an archive becomes an image, and its output comes as the engine's own lines", async () => {
    const content = "x".repeat(100_000);
    const path = await world.archive("FROM busybox:1\nCOPY big /big\nRUN wc -c /big\n", [{ name: "./big", content }]);
    const lines = await world.build(path);
    for (const line of lines) assert.equal(typeof JSON.parse(line), "object", line);
    assert.match(lines.join("\n"), /Step 1\/3 : FROM busybox:1/);
    assert.match(lines.join("\n"), /100000 \/big/);
    assert.deepEqual(await engine.imagesOf(`${registry.host}/apps/dev_amd64_1_app`, never), ["latest"]);
    assert.equal(await world.containers(), "");
    const tar = `${world.folder}/plain.tar`;
    await Deno.writeFile(tar, tarOf([{ name: "docker/Other", content: "FROM scratch\nCOPY . /\n" }]));
    await world.build(tar, { dockerfile: "docker/Other" });
  });

  await t.step("a failing step is told with the last lines of the output, and leaves no container", async () => {
    const path = await world.archive('FROM busybox:1\nRUN for i in $(seq 50); do echo "line $i"; done; exit 3\n');
    const error = await failureOf(world.build(path));
    assert.equal(error.code, "build_failed");
    assert.match(error.message, /^Building image ".*" failed: The command .* returned a non-zero code: 3\nline 41\n/);
    assert.match(error.message, /\nline 50$/);
    assert.match(engineTextOf(error) ?? "", /non-zero code: 3$/);
    assert.equal(await world.containers(), "");
  });

  await t.step("a missing, an empty and a broken Dockerfile are build_failed", async () => {
    const broken: [string | undefined, RegExp][] = [
      [undefined, /Cannot locate specified Dockerfile: Dockerfile/],
      ["", /the Dockerfile \(Dockerfile\) cannot be empty/],
      ["NONSENSE here\n", /unknown instruction: NONSENSE/],
      ["FROM nowhere.invalid/x:1\n", /nowhere\.invalid/],
    ];
    for (const [dockerfile, text] of broken) {
      const error = await failureOf(world.build(await world.archive(dockerfile, [{ name: "x", content: "x" }])));
      assert.equal(error.code, "build_failed", error.message);
      assert.match(engineTextOf(error) ?? "", text);
    }
  });

  await t.step("an archive that is gone is io_failed, one that is damaged build_failed", async () => {
    assert.equal((await failureOf(world.build(`${world.folder}/none`))).code, "io_failed");
    await Deno.writeTextFile(`${world.folder}/bad.tgz`, "no archive");
    assert.equal((await failureOf(world.build(`${world.folder}/bad.tgz`))).code, "build_failed");
  });

  await t.step("a private base image is pulled with the logins", async () => {
    const base = await pushImage(dockerd, registry, { name: "apps/base:1", recipe: {} });
    const path = await world.archive(`FROM ${base}\n`);
    assert.equal((await failureOf(world.build(path))).code, "build_failed");
    await world.build(path, { logins: [world.auth] });
  });

  await t.step("an aborted build ends within a second, also at the engine", async () => {
    const path = await world.archive("FROM busybox:1\nRUN echo begun; sleep 600\n");
    let isBegun = false;
    const { ms, error } = await abortWhen(() => isBegun, async (signal) => {
      const reference = "canceled:1";
      const options = { archivePath: path, reference, dockerfile: "Dockerfile", buildId: "c", logins: [], signal };
      const build = await engine.openBuild(options);
      await build.readToEnd((line) => isBegun ||= line.includes("begun\\n"));
    });
    assert.equal(error.code, "canceled");
    assert.ok(ms < 1_000, `${ms}`);
    await pollUntil("the container of the step is gone", async () => await world.containers() === "" || undefined);
  });

  await t.step("an aborted upload of the archive is canceled", async () => {
    const content = crypto.getRandomValues(new Uint8Array(60_000));
    const path = await world.archive("FROM scratch\nCOPY . /\n", [{ name: "big", content }]);
    await dockerd.freeze();
    const controller = new AbortController();
    const failed = failureOf(world.build(path, { signal: controller.signal }));
    await sleep(200);
    controller.abort();
    assert.equal((await failed).code, "canceled");
    dockerd.thaw();
  });

  await t.step("the command line builds the same, tells of a failing step, and ends when it is aborted", async () => {
    const deps = {
      env: { DOCKER_HOST: dockerd.host },
      configs: new DockerConfigs({ folder: `${world.folder}/configs` }),
    };
    const lines: string[] = [];
    const options = { reference: "cli:1", dockerfile: "Dockerfile", logins: [world.auth], signal: never };
    const run = (archivePath: string, change: { signal?: AbortSignal } = {}) => {
      return buildWithCli(deps, { ...options, archivePath, onLines: (some) => void lines.push(...some), ...change });
    };
    await run(await world.archive("FROM busybox:1\nRUN echo hello-$((6*7))\n"));
    assert.match(lines.join("\n"), /hello-42/);
    assert.ok(await engine.hasImage("cli:1", never));
    const error = await failureOf(run(await world.archive("FROM busybox:1\nRUN echo why-$((6*7)); exit 3\n")));
    assert.equal(error.code, "build_failed");
    assert.match(error.message, /why-42/);
    lines.length = 0;
    const slow = await world.archive("FROM busybox:1\nRUN echo begun-$((6*7)); sleep 600\n");
    const isBegun = () => lines.some((line) => line.includes("begun-42"));
    const { ms, error: canceled } = await abortWhen(isBegun, (signal) => run(slow, { signal }));
    assert.equal(canceled.code, "canceled");
    assert.ok(ms < 1_000, `${ms}`);
  });
});

Deno.test("pushes of a real engine", async (t) => {
  await using world = await World.start();
  const { engine, dockerd, registry } = world;
  const reference = `${registry.host}/apps/shop:1.0`;
  const push = async (auth: Parameters<Engine["openPush"]>[1], signal = never, name = reference) => {
    const lines: string[] = [];
    await (await engine.openPush(name, auth, signal)).readToEnd((line) => lines.push(line));
    return lines;
  };
  const content = new Uint8Array(20_000_000);
  for (let at = 0; at < content.length; at += 50_000) crypto.getRandomValues(content.subarray(at, at + 50_000));
  const path = await world.archive("FROM busybox:1\nCOPY big /\n", [{ name: "big", content }]);
  await world.build(path, { reference });

  await t.step("an image that is not there is image_missing", async () => {
    const error = await failureOf(push(world.auth, never, `${registry.host}/apps/none:1`));
    assert.equal(error.code, "image_missing", error.message);
    assert.equal((await failureOf(push(world.auth, never, `${registry.host}/apps/shop:9`))).code, "image_missing");
  });

  await t.step("a wrong password and none are push_failed", async () => {
    for (const auth of [undefined, { ...world.auth, password: "wrong" }]) {
      const error = await failureOf(push(auth));
      assert.equal(error.code, "push_failed", error.message);
      assert.match(engineTextOf(error) ?? "", /unauthorized|denied|authentication required/);
    }
  });

  await t.step("an aborted push ends within a second", async () => {
    await registry.freeze();
    const controller = new AbortController();
    const failed = failureOf(push(world.auth, controller.signal));
    await sleep(500);
    const startedAt = performance.now();
    controller.abort();
    assert.equal((await failed).code, "canceled");
    assert.ok(performance.now() - startedAt < 1_000);
    registry.thaw();
  });

  await t.step("its progress comes as the engine's own lines, and then the image can be pulled", async () => {
    const lines = await push(world.auth);
    for (const line of lines) assert.equal(typeof JSON.parse(line), "object", line);
    assert.match(lines.join("\n"), /"progressDetail":\{"current"/);
    await dockerd.docker("rmi", "-f", reference);
    await (await engine.openPull(reference, world.auth, never)).readToEnd(() => {});
    assert.deepEqual(await engine.imagesOf(`${registry.host}/apps/shop`, never), ["1.0"]);
  });
});
