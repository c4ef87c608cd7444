// box engine registry crossbar debian
/** The agent as a Docker image: what it generates, how it is asked whether it is well, and a device's life in it. */

import assert from "node:assert/strict";
import { isDict, parseJson } from "../../lib/base/json.ts";
import { build } from "../../scripts/build.ts";
import { projectRoot } from "../../scripts/paths.ts";
import { partsFolder } from "../../scripts/testbed/setup/folder.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { AgentFixture } from "./agent_fixture.ts";

const image = "reagent-test:1";
const name = "ironflock-agent";

/** Builds the image from Debian's packages, and the agent as it is. */
async function buildImage(fixture: AgentFixture): Promise<void> {
  await fixture.engine.docker("import", partsFolder().debianArchive, "debian-base:1");
  const folder = await Deno.makeTempDir({ prefix: "reagent-build-" });
  const printed: string[] = [];
  try {
    const args = ["--bundle-only", "--docker-image", image, "--image-base", "debian-base:1", "--image-packages", ""];
    const code = await build(args, {
      entry: `${projectRoot}main.ts`,
      folder,
      targets: await Deno.readTextFile(`${projectRoot}targets`),
      environment: { ...Deno.env.toObject(), DOCKER_HOST: fixture.engine.host },
      say: (text) => printed.push(text),
    });
    assert.equal(code, 0, printed.join("\n"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the agent's image runs a device", async () => {
  await using fixture = await AgentFixture.start();
  await buildImage(fixture);
  const device = fixture.addDevice();
  const { docker } = { docker: (...args: string[]) => fixture.engine.docker(...args) };
  const folder = await Deno.makeTempDir({ prefix: "reagent-image-" });
  const flock: Record<string, unknown> = device.flock;
  const socket = fixture.engine.host.replace("unix://", "");
  const env = {
    AGENT_CONFIG_PATH: `${folder}/device.flock`,
    AGENT_SECRET: device.secret,
    AGENT_DEVICE_NAME: "boxed",
    AGENT_DEVICE_KEY: String(flock.device_key),
    AGENT_SWARM_KEY: String(flock.swarm_key),
    AGENT_SERIAL_NUMBER: device.serial,
    AGENT_DEVICE_ENDPOINT_URL: String(flock.device_endpoint_url),
    AGENT_DOCKER_REGISTRY_URL: String(flock.docker_registry_url),
    AGENT_DOCKER_MAIN_REPOSITORY: String(flock.docker_main_repository),
  };
  try {
    await docker(
      ...["run", "--detach", "--name", name, "--network", "host", "--health-interval", "1s"],
      // Folders of apps are mounted by the engine, which knows the paths of its own machine only.
      ...["--volume", `${folder}:${folder}`, "--volume", `${socket}:/var/run/docker.sock`],
      ...Object.entries(env).flatMap(([key, value]) => ["--env", `${key}=${value}`]),
      ...[image, "-agentDir", folder, "-appsDir", `${folder}/apps`, "-dbFileName", `${folder}/reagent.db`],
    );
    await fixture.studio.waitForStatus(device, "CONNECTED");
    await fixture.publish("Lamp", "1.0.0", { tickMs: 200 });
    const { after } = await fixture.studio.request(device, "Lamp", { target: "RUNNING" });
    await fixture.studio.waitForReport(device, { appName: "Lamp", state: "RUNNING" }, { after, limitMs: 30_000 });
    const status = parseJson(await docker("exec", name, "reagent", "status", "--json"));
    assert.ok(isDict(status) && isDict(status.connection) && status.connection.state === "connected");
    assert.match(await docker("exec", name, "reagent", "logs", "--tail", "1", "lamp"), /^tick \d+$/m);
    const health = "{{.State.Health.Status}}";
    await pollUntil("the image is healthy", async () => {
      return (await docker("inspect", "--format", health, name)).trim() === "healthy" || undefined;
    });
    const written = await Deno.readTextFile(env.AGENT_CONFIG_PATH);
    assert.ok(!(await docker("logs", name)).includes(device.secret), "the secret is in the log");
    const { sessionId } = fixture.studio.device(device);
    await docker("stop", "--time", "20", name);
    assert.equal((await docker("inspect", "--format", "{{.State.ExitCode}}", name)).trim(), "0");
    assert.equal(await fixture.inspect("Lamp", "{{.State.Status}}"), "running");
    await docker("start", name);
    await fixture.untilBack(device, sessionId);
    assert.equal(await Deno.readTextFile(env.AGENT_CONFIG_PATH), written);
  } finally {
    await fixture.engine.tryDocker(["rm", "--force", name]);
    await Deno.remove(folder, { recursive: true });
  }
});
