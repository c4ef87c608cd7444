// box engine registry
/** Apps in development as a developer has them: the Studio's command line, a real agent, and a real engine. */

import assert from "node:assert/strict";
import { isDict, parseJson } from "../../lib/base/json.ts";
import { DemoAgent } from "../../scripts/demo/agent.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { buildImage } from "../../scripts/testbed/images.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { StudioProcess } from "../scripts/studio/command_line/studio_process.ts";

Deno.test("a compose app is uploaded, built, run and published, and other devices run the release", async () => {
  await using engine = await Dockerd.start();
  await using studio = await StudioProcess.prepare({ DOCKER_HOST: engine.host });
  await studio.serve();
  await buildImage(engine, { reference: "local:1", recipe: { prints: ["one"], tickMs: 500 } });
  const run = async (...args: string[]) => {
    const { code, output, errors } = await studio.run(...args);
    assert.equal(code, 0, `${args.join(" ")}\n${output}${errors}`);
    return output;
  };
  const base = (await run("app", "push", "base", "1", "--image", "local:1")).split(" ")[0];
  await run("device", "add", "edge");
  const flock = parseJson(await Deno.readTextFile(`${studio.folder}/edge.flock`));
  assert.ok(isDict(flock));
  const folder = await Deno.makeTempDir();
  await using _agent = await DemoAgent.start(flock, { folder, dockerHost: engine.host, onLine: () => {} });
  await pollUntil("the device is connected", async () => / CONNECTED/.test(await run("state", "edge")) || undefined);

  await Deno.mkdir(`${studio.folder}/fan`);
  await Deno.writeTextFile(`${studio.folder}/fan/Dockerfile`, "FROM local:1\nLABEL made=here\n");
  await Deno.writeTextFile(`${studio.folder}/fan.yml`, `services:\n  web: {build: .}\n  clock: {image: "${base}"}\n`);
  await run("dev", "upload", "edge", "Fan", "fan");
  assert.match(await run("dev", "build", "edge", "Fan", "--compose", "fan.yml"), /Compose Image built successfully/);
  await run("dev", "run", "edge", "Fan");
  const services = async (project: string) => {
    const filter = ["--filter", `label=com.docker.compose.project=${project}`];
    const names = await engine.docker("ps", ...filter, "--format", '{{.Label "com.docker.compose.service"}}');
    return names.split("\n").filter((name) => name !== "").sort();
  };
  assert.deepEqual(await services("dev_2_fan_compose"), ["clock", "web"]);
  assert.match(await run("dev", "publish", "edge", "Fan", "1.0.0"), /Fan 1\.0\.0 is release 2$/m);
  await run("dev", "uninstall", "edge", "Fan");
  await run("app", "run", "edge", "Fan");
  assert.deepEqual(await services("prod_2_fan_compose"), ["clock", "web"]);
  await run("app", "uninstall", "edge", "Fan");
  assert.deepEqual([await services("dev_2_fan_compose"), await services("prod_2_fan_compose")], [[], []]);
  await Deno.remove(folder, { recursive: true }).catch(() => {});
});
