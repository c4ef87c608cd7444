// box engine registry
import assert from "node:assert/strict";
import { writeDockerLogin } from "../../../scripts/studio/docker_login.ts";
import { startStudio } from "../../../scripts/studio/start_studio.ts";
import type { Studio } from "../../../scripts/studio/studio.ts";
import { pusherPassword, pusherUser } from "../../../scripts/studio/logins.ts";
import { listProcesses } from "../../../scripts/testbed/background.ts";
import { pollUntil } from "../../../scripts/testbed/wait.ts";
import { Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { buildImage } from "../../../scripts/testbed/images.ts";
import { StudioProcess } from "./command_line/studio_process.ts";
import { FakeWampDevice } from "../../fakes/fake_wamp_device.ts";

const ports = { registry: { port: 5002, tokenPort: 5003 } };

interface Login {
  user: string;
  password: string;
}

/** Runs `docker push` or `docker pull` with a login. Returns "done" or the engine's error. */
async function docker(engine: Dockerd, command: "push" | "pull", options: { reference: string; login: Login }) {
  const folder = await Deno.makeTempDir();
  try {
    const { reference, login } = options;
    await writeDockerLogin(folder, { host: reference.split("/")[0] ?? "", ...login });
    const ended = await engine.tryDocker(["--config", folder, command, reference]);
    return ended.code === 0 ? "done" : ended.stderr.trim();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Adds a device and returns its registry login. */
async function loginOf(studio: Studio, name: string): Promise<Login> {
  const added = studio.addDevice({ name });
  await using device = await FakeWampDevice.join(studio, added);
  const token = await device.call("reswarm.containers.get_registry_token", { callerID: 1 });
  return { user: String(token), password: added.secret };
}

Deno.test("the pusher pushes; a device pulls with its token and secret, and cannot push", async () => {
  await using engine = await Dockerd.start();
  await using studio = await startStudio(ports);
  assert.equal(studio.registry?.isRunning, true);
  const reference = `${studio.registryHost}/apps/prod_amd64_42_shop:1.0.0`;
  await buildImage(engine, { reference, recipe: { prints: ["hello"] } });
  const pusher = { user: pusherUser, password: pusherPassword(studio.store) };
  const device = await loginOf(studio, "edge-1");
  const other = await loginOf(studio, "edge-2");

  const refused = /unauthorized|denied|authentication required/;
  assert.match(await docker(engine, "push", { reference, login: device }), refused);
  assert.match(await docker(engine, "push", { reference, login: { ...pusher, password: "wrong" } }), refused);
  assert.equal(await docker(engine, "push", { reference, login: pusher }), "done");
  await engine.docker("rmi", reference);

  assert.match(await docker(engine, "pull", { reference, login: { ...device, password: "wrong" } }), refused);
  assert.match(await docker(engine, "pull", { reference, login: { ...device, password: other.password } }), refused);
  assert.match(await docker(engine, "pull", { reference, login: { ...device, user: "no-token" } }), refused);
  assert.equal(await docker(engine, "pull", { reference, login: device }), "done");
});

Deno.test("app push builds an image, or takes an existing one, and adds a release", async () => {
  await using engine = await Dockerd.start();
  await using studio = await StudioProcess.prepare({ DOCKER_HOST: engine.host, DOCKER_BUILDKIT: "0" });
  await studio.serve();
  await buildImage(engine, { reference: "local:1", recipe: { prints: ["one"] } });
  const first = await studio.run("app", "push", "Shop", "1.0.0", "--image", "local:1");
  assert.equal(first.code, 0, first.errors);
  assert.match(first.output, /^127\.0\.0\.1:\d+\/apps\/prod_amd64_1_shop:1\.0\.0 is release 1\n$/);
  await Deno.mkdir(`${studio.folder}/app`);
  await Deno.writeTextFile(`${studio.folder}/app/Dockerfile`, "FROM local:1\nLABEL made=here\n");
  const second = await studio.run("app", "push", "Shop", "1.1.0", "--context", "app");
  assert.equal(second.code, 0, second.errors);
  assert.match(second.output, /:1\.1\.0 is release 2\n$/);
  const missing = await studio.run("app", "push", "Shop", "1.2.0", "--image", "nothing:here");
  assert.equal(missing.code, 1);
  assert.match(missing.errors, /No such image/);
  const file = "services:\n  web: {build: ./app}\n  db: {image: 'postgres:16'}\n";
  await Deno.writeTextFile(`${studio.folder}/shop.yml`, file);
  const project = await studio.run("app", "push", "Shop", "2.0.0", "--compose", "shop.yml");
  assert.equal(project.code, 0, project.errors);
  assert.match(project.output, /^\S+\/apps\/prod_amd64_1_shop_web:2\.0\.0 is pushed\nShop 2\.0\.0 is release 3\n$/);
});

Deno.test("the registry ends with the Studio, even if that is killed", async () => {
  const running = async () => {
    return (await listProcesses()).filter((row) => /^docker-registry serve/.test(row.command));
  };
  await using studio = await StudioProcess.prepare();
  await studio.serve();
  assert.equal((await running()).length, 1);
  await studio.kill();
  await pollUntil("the registry is gone", async () => (await running()).length === 0 || undefined);
  await studio.serve();
  assert.equal(await studio.stop(), 0);
  assert.deepEqual(await running(), []);
});

Deno.test("a registry whose port is in use is an error with the reason", async () => {
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: 5002 });
  await assert.rejects(startStudio(ports), {
    code: "start_failed",
    message: "Cannot start docker-registry: port 5002 is in use",
  });
});
