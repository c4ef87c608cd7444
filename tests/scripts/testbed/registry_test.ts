// box engine registry
import assert from "node:assert/strict";
import { Dockerd } from "../../../scripts/testbed/dockerd.ts";
import { type AppRecipe, buildImage, pushImage } from "../../../scripts/testbed/images.ts";
import { Registry } from "../../../scripts/testbed/registry.ts";
import { listProcesses } from "../../../scripts/testbed/background.ts";
import { writeDockerLogin } from "../../../scripts/studio/docker_login.ts";
import { sleep } from "../../../scripts/testbed/wait.ts";

/** Pulls as a device does, with its login, and returns `pulled` or the engine's error. */
async function pull(engine: Dockerd, reference: string, login?: { user: string; password: string }): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    if (login !== undefined) await writeDockerLogin(folder, { host: reference.split("/")[0] ?? "", ...login });
    const ended = await engine.tryDocker(["--config", folder, "pull", reference]);
    return ended.code === 0 ? "pulled" : ended.stderr.trim();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const device = { user: "a-token", password: "the device's secret" };

Deno.test("a registry serves an image after a login, and records the logins", async () => {
  await using engine = await Dockerd.start();
  await using registry = await Registry.start({ accounts: { [device.user]: device.password } });
  const reference = await pushImage(engine, registry, { name: "apps/shop:1.0.0", recipe: { prints: ["hello"] } });
  assert.deepEqual(await registry.tags("apps/shop"), ["1.0.0"]);
  assert.deepEqual(await registry.tags("apps/unknown"), []);

  assert.match(await pull(engine, reference), /unauthorized/);
  assert.match(await pull(engine, reference, { ...device, password: "wrong" }), /unauthorized/);
  assert.equal(await pull(engine, reference, device), "pulled");
  const last = registry.logins.at(-1);
  assert.deepEqual(last, { ...device, repository: "apps/shop", actions: ["pull"] });
  assert.equal(await engine.docker("run", "--rm", "--entrypoint", "echo", reference, "runs"), "runs");

  registry.accounts.delete(device.user);
  await engine.docker("rmi", reference);
  assert.match(await pull(engine, reference, device), /unauthorized/);
});

Deno.test("the token server misbehaves as requested", async () => {
  await using engine = await Dockerd.start();
  await using registry = await Registry.start({ check: (login) => login.user === device.user });
  const reference = await pushImage(engine, registry, { name: "apps/shop:1", recipe: { prints: ["hello"] } });
  const table = [
    ["unauthorized", /unauthorized/],
    ["expired", /unauthorized|denied|authentication required/],
    ["unavailable", /503|Service Unavailable/],
    ["html", /invalid character '<'/],
    ["refuse", /connection refused/],
  ] as const;
  for (const [behaviour, text] of table) {
    await registry.behave(behaviour);
    assert.match(await pull(engine, reference, device), text, behaviour);
  }
  await registry.behave("hang");
  let answer = "";
  const hanging = pull(engine, reference, device).then((text) => answer = text);
  await sleep(500);
  assert.equal(answer, "");
  await registry.behave("normal");
  await hanging;
  assert.match(answer, /503/);
  assert.equal(await pull(engine, reference, device), "pulled");
});

Deno.test("the registry can be stopped, started with its images, and frozen", async () => {
  await using engine = await Dockerd.start();
  await using registry = await Registry.start();
  const reference = await pushImage(engine, registry, { name: "apps/shop:1", recipe: {} });
  await registry.stop();
  assert.match(await pull(engine, reference), /connection refused/);
  await registry.start();
  assert.deepEqual(await registry.tags("apps/shop"), ["1"]);
  await registry.freeze();
  let isAnswered = false;
  const tags = registry.tags("apps/shop").then(() => isAnswered = true);
  await sleep(300);
  assert.equal(isAnswered, false);
  registry.thaw();
  await tags;
});

Deno.test("images behave as their recipes say", async (test) => {
  await using engine = await Dockerd.start();
  await using registry = await Registry.start({ check: () => true });
  const run = async (recipe: AppRecipe, ...args: string[]) => {
    await buildImage(engine, { reference: "recipe:1", recipe });
    return await engine.docker("run", ...args, "recipe:1");
  };
  await test.step("prints lines as they are, then its environment", async () => {
    const lines = ["it's", '"$HOME" `x` \\n', ""];
    const text = await run({ prints: lines, printsEnvironment: true, exitCode: 0 }, "--rm", "--env", "A=b c");
    assert.ok(text.startsWith(`${lines.join("\n")}\nA=b c\n`), text);
  });
  await test.step("exits with its code", async () => {
    await buildImage(engine, { reference: "recipe:1", recipe: { exitCode: 3, exitAfterMs: 100 } });
    assert.equal((await engine.tryDocker(["run", "--rm", "recipe:1"])).code, 3);
  });
  await test.step("ticks, and exits on TERM", async () => {
    const id = await run({ tickMs: 50 }, "--detach");
    await sleep(500);
    await engine.docker("stop", id);
    assert.match(await engine.docker("logs", id), /^tick 1\ntick 2\n/);
    assert.equal(await engine.docker("inspect", "--format", "{{.State.ExitCode}}", id), "0");
  });
  await test.step("ignores TERM", async () => {
    const id = await run({ ignoresTerm: true }, "--detach");
    await engine.docker("stop", "--time", "1", id);
    assert.equal(await engine.docker("inspect", "--format", "{{.State.ExitCode}}", id), "137");
  });
  await test.step("has labels, ports and a large layer", async () => {
    const recipe = { labels: { "a.b": 'c "d"' }, exposes: [80], sizeMb: 5 };
    const reference = await pushImage(engine, registry, { name: "apps/large:1", recipe });
    assert.equal(await engine.docker("images", "--quiet", reference), "");
    assert.equal(await pull(engine, reference, device), "pulled");
    const format = '{{.Size}} {{index .Config.Labels "a.b"}} {{json .Config.ExposedPorts}}';
    const [size, ...rest] = (await engine.docker("inspect", "--format", format, reference)).split(" ");
    assert.ok(Number(size) > 5_000_000);
    assert.deepEqual(rest.join(" "), 'c "d" {"80/tcp":{}}');
  });
  await test.step("is not available for this machine's platform", async () => {
    const reference = await pushImage(engine, registry, { name: "apps/index:1", recipe: { foreign: "index" } });
    assert.match(await pull(engine, reference, device), /no matching manifest for linux\/amd64/);
  });
  await test.step("is for another platform and cannot start", async () => {
    const reference = await pushImage(engine, registry, { name: "apps/plain:1", recipe: { foreign: "plain" } });
    assert.equal(await pull(engine, reference, device), "pulled");
    assert.equal(await engine.docker("inspect", "--format", "{{.Architecture}}", reference), "arm64");
    assert.match((await engine.tryDocker(["run", "--rm", reference])).stderr, /exec format error/);
  });
});

Deno.test("no process of a registry is left behind", async () => {
  assert.deepEqual((await listProcesses()).filter((row) => row.command.includes("docker-registry serve")), []);
});
