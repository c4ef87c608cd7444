// box engine registry
import assert from "node:assert/strict";
import type { LogFeed } from "../../../../lib/app_logs/app_logs.ts";
import { type BuildContext, BuildSteps } from "../../../../lib/apps/work/build_steps.ts";
import { AgentError } from "../../../../lib/base/errors.ts";
import { silentLog } from "../../../../lib/base/log.ts";
import { Engine } from "../../../../lib/docker/engine.ts";
import { engineTextOf } from "../../../../lib/docker/errors.ts";
import { authFor, registryHostOf } from "../../../../lib/docker/registry.ts";
import { Dockerd } from "../../../../scripts/testbed/dockerd.ts";
import { pushImage } from "../../../../scripts/testbed/images.ts";
import { Registry } from "../../../../scripts/testbed/registry.ts";
import { never } from "../../../fakes/fake_handler_device.ts";
import { type TarEntry, tgzOf } from "../../../fakes/tar_archive.ts";

const account = { username: "device", password: "secret" };

/** A DEV app on a real engine with a real registry. */
class World implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "steps-" });
  readonly lines: string[] = [];
  readonly engine: Engine;
  login = account;

  private constructor(readonly dockerd: Dockerd, readonly registry: Registry) {
    this.engine = new Engine({ log: silentLog, env: { DOCKER_HOST: dockerd.host } });
  }

  static async start(): Promise<World> {
    return new World(
      await Dockerd.start(),
      await Registry.start({ accounts: { [account.username]: account.password } }),
    );
  }

  async upload(entries: TarEntry[]): Promise<void> {
    await Deno.writeFile(`${this.folder}/App.tgz`, await tgzOf(entries));
  }

  steps(change: Partial<BuildContext> = {}): BuildSteps {
    const { host } = this.registry;
    const feed = (channel: string): LogFeed => ({
      push: (line) => void this.lines.push(`${channel} ${line}`),
      end: () => Promise.resolve(),
    });
    return new BuildSteps({
      app: { appName: "App", id: { appKey: 1 } },
      names: { container: "dev_1_app", repository: `${host}/apps/dev_amd64_1_app` },
      releaseRepository: `${host}/apps/prod_amd64_1_app`,
      releaseChannel: "pub_1_app",
      isReleaseInstalled: () => false,
      upload: { archive: `${this.folder}/App.tgz`, folder: `${this.folder}/App` },
      arch: "amd64",
      dockerCompose: null,
      images: { store: { registryUrl: `${host}/`, mainRepository: "apps/", appKey: 1, appName: "App" } },
      engine: this.engine,
      appLogs: { openFeed: feed, say: (channel, text) => void this.lines.push(`${channel} say ${text}`) },
      login: (reference) => {
        const auth = authFor(reference, this.login === account ? { [host]: account } : { [host]: this.login });
        return Promise.resolve({ host: registryHostOf(reference), auth, isOwn: false });
      },
      logins: () => Promise.resolve([]),
      buildWithCli: () => Promise.reject(new Error("not needed")),
      readFreeBytes: () => Promise.resolve(undefined),
      log: silentLog,
      ...change,
    });
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

Deno.test("a DEV app is built from its upload and published", async (t) => {
  await using world = await World.start();
  const { engine, registry, dockerd, lines } = world;
  const { host } = registry;

  await t.step(
    "an upload that is missing, or has no Dockerfile in its root folder, or an empty one, says so",
    async () => {
      const rows: [TarEntry[] | undefined, string][] = [
        [undefined, 'There is no upload "App.tgz"; upload the app again'],
        [
          [{ name: "inner/Dockerfile", content: "x" }, { name: "Dockerfile.arm64", content: "x" }],
          'There is no Dockerfile in the root folder of the upload "App.tgz"; add a "Dockerfile" or a "Dockerfile.amd64" ' +
          "and upload the app again",
        ],
        [[{ name: "Dockerfile" }], 'The file "Dockerfile" of the upload "App.tgz" is empty'],
      ];
      for (const [entries, message] of rows) {
        if (entries !== undefined) await world.upload(entries);
        assert.equal((await failureOf(world.steps().perform({ kind: "checkUpload" }, never))).message, message);
      }
      assert.deepEqual(lines, []);
    },
  );

  await t.step("the Dockerfile of the architecture goes before the other", async () => {
    await world.upload([
      { name: "./Dockerfile", content: "FROM busybox:1\nRUN exit 1\n" },
      { name: "./Dockerfile.amd64", content: "FROM busybox:1\nRUN echo built-$((6*7))\n" },
    ]);
    const steps = world.steps();
    await steps.perform({ kind: "checkUpload" }, never);
    await steps.perform({ kind: "buildImage", isRelease: false }, never);
    await steps.perform({ kind: "buildImage", isRelease: true }, never);
    for (const channel of ["dev_1_app", "pub_1_app"]) {
      assert.ok(lines.some((line) => line.startsWith(`${channel} {"stream":"`)), channel);
    }
    assert.ok(lines.some((line) => line.includes("built-42")));
    assert.deepEqual(await engine.imagesOf(`${host}/apps/dev_amd64_1_app`, never), ["latest"]);
  });

  await t.step("it is pushed under the name of the release, and a refusal says why", async () => {
    const steps = world.steps();
    assert.match((await failureOf(steps.perform({ kind: "tagRelease", version: "a b" }, never))).message, /"a b"/);
    await steps.perform({ kind: "tagRelease", version: "1.2" }, never);
    world.login = { ...account, password: "wrong" };
    const refused = await failureOf(steps.perform({ kind: "pushImage", version: "1.2" }, never));
    assert.equal(refused.code, "push_failed");
    assert.match(engineTextOf(refused) ?? "", new RegExp(`registry ${host} refuses the credentials`));
    world.login = account;
    await steps.perform({ kind: "pushImage", version: "1.2" }, never);
    assert.ok(lines.some((line) => /^pub_1_app .*digest: sha256:/.test(line)));
    await dockerd.docker("rmi", `${host}/apps/prod_amd64_1_app:1.2`);
    await dockerd.docker("rmi", `${host}/apps/dev_amd64_1_app:latest`);
    const pull = await engine.openPull(`${host}/apps/prod_amd64_1_app:1.2`, {
      host,
      user: "device",
      password: "secret",
    }, never);
    await pull.readToEnd(() => {});
  });

  await t.step("an engine without a builder of its own leaves the build to the command line", async () => {
    const seen: string[] = [];
    const refusing = Object.assign(Object.create(engine), {
      listImages: () => engine.listImages(never),
      openBuild: () => Promise.reject(new AgentError("not_available", "the classic builder was removed")),
    });
    const steps = world.steps({
      engine: refusing,
      buildWithCli: ({ dockerfile, onLines }) => {
        seen.push(dockerfile);
        onLines(["#1 from the command line"]);
        return Promise.resolve();
      },
    });
    await steps.perform({ kind: "buildImage", isRelease: false }, never);
    assert.deepEqual(seen, ["Dockerfile.amd64"]);
    assert.equal(lines.at(-1), "dev_1_app #1 from the command line");
  });

  await t.step("M51: images of other registries are copied into the own one, and built ones pushed", async () => {
    const source = await pushImage(dockerd, registry, { name: "foreign/tool:3", recipe: {} });
    const image = `${host}/apps/prod_amd64_1_app_tool:1.2`;
    const built = `${host}/apps/prod_amd64_1_app_web:1.2`;
    await dockerd.docker("tag", "busybox:1", built);
    const dockerCompose = {
      services: {
        tool: { image, "x-source-image": source },
        again: { image, "x-source-image": source },
        web: { image: built, build: "." },
        plain: { image: "busybox:1" },
        unnamed: { build: "." },
      },
    };
    const steps = world.steps({ dockerCompose });
    await steps.perform({ kind: "rehostImages" }, never);
    await steps.perform({ kind: "rehostImages" }, never);
    await steps.perform({ kind: "pushServices" }, never);
    assert.equal(await engine.hasImage(source, never), false);
    for (const reference of [image, built]) {
      await dockerd.docker("rmi", reference);
      const pull = await engine.openPull(reference, { host, user: "device", password: "secret" }, never);
      await pull.readToEnd(() => {});
    }
    const nameless = world.steps({ dockerCompose: { services: { tool: { "x-source-image": source } } } });
    const error = await failureOf(nameless.perform({ kind: "rehostImages" }, never));
    assert.equal(error.message, 'The service "tool" has x-source-image, and no image');
    const anonymous = world.steps({
      dockerCompose,
      login: (reference) => Promise.resolve({ host: registryHostOf(reference), auth: undefined, isOwn: false }),
    });
    const refused = await failureOf(anonymous.perform({ kind: "rehostImages" }, never));
    assert.match(engineTextOf(refused) ?? "", new RegExp(`there are no credentials for registry ${host}`));
    assert.ok(lines.some((line) => line.startsWith(`pub_1_app say No credentials are stored for registry ${host}`)));
  });

  await t.step("the upload is unpacked for compose, and deleted with all that was made of it", async () => {
    const steps = world.steps({ dockerCompose: { services: {} } });
    await steps.perform({ kind: "checkUpload" }, never);
    await steps.perform({ kind: "extractUpload" }, never);
    assert.match(Deno.readTextFileSync(`${world.folder}/App/Dockerfile.amd64`), /built/);
    for (let round = 0; round < 2; round += 1) await steps.perform({ kind: "deleteUpload" }, never);
    assert.deepEqual([...Deno.readDirSync(world.folder)], []);
  });
});
