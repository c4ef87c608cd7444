// box engine registry
/**
 * What is shipped: the minified bundle, and with DENORT_BIN in the environment the executable of this machine. Each answers on
 * its command line, and is a device from start to end. Without DENORT_BIN the second test is listed as skipped.
 */

import assert from "node:assert/strict";
import { agentVersion } from "../../lib/version.ts";
import { build } from "../../scripts/build.ts";
import { checkLogin } from "../../scripts/studio/logins.ts";
import { ensureApp, repositoryOf } from "../../scripts/studio/releases.ts";
import { startStudio, type Studio } from "../../scripts/studio/start_studio.ts";
import { agentCommand, AgentProcess } from "../parts/agent_process.ts";
import { runProgram } from "../parts/background.ts";
import { Dockerd } from "../parts/engine.ts";
import { pushImage } from "../parts/images.ts";
import { Registry } from "../parts/registry.ts";

const root = new URL("../..", import.meta.url).pathname;
const hasBase = Boolean(Deno.env.get("DENORT_BIN"));

/** Builds what `args` ask for in `folder`. */
async function buildIn(folder: string, args: readonly string[]): Promise<void> {
  const said: string[] = [];
  const targets = await Deno.readTextFile(`${root}targets`);
  const options = { entry: `${root}main.ts`, folder, targets, environment: Deno.env.toObject() };
  assert.equal(await build(args, { ...options, say: (text) => said.push(text) }), 0, said.join("\n"));
}

async function assertAnswers(program: string): Promise<void> {
  const ask = async (flag: string) => {
    const [file, ...first] = agentCommand(program);
    return await runProgram(file, [...first, flag]);
  };
  assert.deepEqual(await ask("-version"), { code: 0, stdout: `${agentVersion}\n`, stderr: "" });
  const help = await ask("-help");
  assert.equal(help.code, 0);
  assert.match(help.stderr, /^Usage of .*:\n {2}-agentDir string\n/);
}

/** A device from its first start to its end, with an app on it. Gives the callers that its log names. */
async function liveOnce(program: string): Promise<string[]> {
  const shared: { studio?: Studio } = {};
  const check = (login: Parameters<typeof checkLogin>[1]) =>
    shared.studio !== undefined && checkLogin(shared.studio.store, login) !== false;
  await using engine = await Dockerd.start();
  await using registry = await Registry.start({ check });
  await using studio = await startStudio({ registryHost: registry.host });
  shared.studio = studio;
  const device = studio.addDevice();
  const name = `${repositoryOf(ensureApp(studio.store, "shop"))}:1.0.0`;
  await pushImage(engine, registry, { name, recipe: { prints: ["open"] } });
  studio.pushed("shop", "1.0.0");

  await using agent = await AgentProcess.start({ flock: device.flock, program, env: { DOCKER_HOST: engine.host } });
  await studio.waitForStatus(device, "CONNECTED", { limitMs: 60_000 });
  const { args: [metadata] } = await studio.call(device, "get_agent_metadata");
  assert.equal(Object(metadata).version, agentVersion);
  await studio.request(device, "shop", { target: "RUNNING" });
  await studio.waitForReport(device, { appName: "shop", state: "RUNNING" }, { limitMs: 60_000 });
  assert.match(await engine.docker("ps", "--format", "{{.Names}} {{.Image}}"), /^prod_\d+_shop .*:1\.0\.0$/);
  assert.match(await engine.docker("logs", await engine.docker("ps", "--quiet")), /^open\r?$/);

  assert.equal(await agent.stop(), 0, agent.errors);
  assert.equal(agent.errors, "");
  await studio.waitForStatus(device, "DISCONNECTED");
  assert.match(await engine.docker("ps", "--format", "{{.Names}}"), /^prod_\d+_shop$/, "apps outlive the agent");
  const lines = await agent.readLog();
  assert.deepEqual(lines.filter(({ level }) => ["unreadable", "error", "fatal"].includes(level)), []);
  return lines.map(({ fields }) => String(fields.caller ?? ""));
}

Deno.test("the minified bundle answers on the command line, connects, runs an app and ends on TERM", async () => {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    await buildIn(folder, ["--bundle-only"]);
    const program = `${folder}/reagent.js`;
    await assertAnswers(program);
    const callers = await liveOnce(program);
    const lines = (await Deno.readTextFile(program)).split("\n");
    assert.ok(callers.length > 10, `${callers.length} lines of the log`);
    for (const caller of callers) {
      const [, line, column] = /^reagent\.js:(\d+):(\d+)$/.exec(caller) ?? [];
      const code = lines[Number(line) - 1]?.slice(Number(column) - 1) ?? "";
      assert.match(code, /^(trace|debug|info|warn|error|fatal)\(/, `"${caller}" leads to ${code.slice(0, 40)}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test({
  name: "the executable answers on the command line, connects, runs an app and ends on TERM (needs DENORT_BIN)",
  ignore: !hasBase,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "b-" });
    try {
      await buildIn(folder, []);
      const files = await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name);
      const [file] = files.filter((name) => name !== "reagent.js");
      assert.ok(file, files.join(", "));
      await assertAnswers(`${folder}/${file}`);
      for (const caller of await liveOnce(`${folder}/${file}`)) assert.match(caller, /^[^/]+:\d+:\d+$/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
