// box engine registry
/**
 * What is shipped: the minified bundle, and with DENORT_BIN in the environment the executable for this machine. Each
 * one parses its command line as Go does, runs a device from start to end, publishes the log of an app, and loads on
 * demand what it does not need at the start. Without DENORT_BIN the test of the executable is listed as skipped.
 */

import assert from "node:assert/strict";
import { agentVersion, buildArch } from "../../lib/version.ts";
import { build } from "../../scripts/build.ts";
import { checkLogin } from "../../scripts/studio/logins.ts";
import { ensureApp, repositoryOf } from "../../scripts/studio/releases.ts";
import { startStudio } from "../../scripts/studio/start_studio.ts";
import type { FollowedLogs, Studio } from "../../scripts/studio/studio.ts";
import { agentCommand, AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil } from "../../scripts/testbed/wait.ts";
import { runProgram } from "../../scripts/programs.ts";
import { Dockerd } from "../../scripts/testbed/dockerd.ts";
import { pushImage } from "../../scripts/testbed/images.ts";
import { Registry } from "../../scripts/testbed/registry.ts";
import recorded from "../lib/flags/go_outcomes.json" with { type: "json" };
import { projectRoot } from "../../scripts/paths.ts";

/** In a box every port is free. */
const profilingPort = 7_070;
const hasBase = Boolean(Deno.env.get("DENORT_BIN"));

/** Runs the build with `args` and writes to `folder`. */
async function buildIn(folder: string, args: readonly string[]): Promise<void> {
  const printed: string[] = [];
  const targets = await Deno.readTextFile(`${projectRoot}targets`);
  const options = { entry: `${projectRoot}main.ts`, folder, targets, environment: Deno.env.toObject() };
  assert.equal(await build(args, { ...options, say: (text) => printed.push(text) }), 0, printed.join("\n"));
}

/** With these, packages and the runtime would write secrets to files and standard error. */
const debugging = { AUTOBAHN_DEBUG: "1", AUTOBAHN_TRACE: "trace", DEBUG: "*", NODE_DEBUG: "http,https,net,tls" };

/** What the runtime itself writes about one of them, before any code runs. */
const runtimeWarning = /^Setting the NODE_DEBUG environment variable.*\n/m;

/** Every eighth recorded command line is tried, four at a time. */
const sampleStep = 8;
const atOnce = 4;

const usageText = "Usage of .*:\\n {2}-agentDir string\\n";
const usage = new RegExp(`^${usageText}`);

/** Command lines that do not start an agent, with the beginning of what Go answered. */
const commandLines = recorded.flatMap((row, index) => {
  const given: Readonly<Record<string, string | undefined>> = row.flags ?? {};
  if (index % sampleStep !== 0 || given.config !== undefined) return [];
  // Go accepts an empty database name, which the agent refuses; and arguments cannot contain a zero byte.
  if (given.dbFileName === "" || row.args.some((arg) => arg.includes("\0"))) return [];
  switch (row.kind) {
    case "flags":
      return [{ args: row.args, code: 0, stdout: earlyLine(given), stderr: /^$/ }];
    case "help":
      return [{ args: row.args, code: 0, stdout: "", stderr: usage }];
    default:
      return [{
        args: row.args,
        code: 2,
        stdout: "",
        stderr: new RegExp(`^${escapeText(row.text ?? "")}\n${usageText}`),
      }];
  }
});

function earlyLine(given: Readonly<Record<string, string | undefined>>): string {
  if (given.version === "true") return `${agentVersion}\n`;
  if (given.arch === "true") return `${buildArch().arch}${buildArch().variant}\n`;
  return "'-config' argument is required. -help for usage\n";
}

function escapeText(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

async function assertCommandLine(program: string): Promise<void> {
  const [file, ...first] = agentCommand(program);
  const version = { args: ["-version"], code: 0, stdout: `${agentVersion}\n`, stderr: /^$/ };
  const all = [version, { args: ["-help"], code: 0, stdout: "", stderr: usage }, ...commandLines];
  assert.ok(all.length > 25, `${all.length} command lines`);
  for (let index = 0; index < all.length; index += atOnce) {
    await Promise.all(
      all.slice(index, index + atOnce).map(async ({ args, code, stdout, stderr }) => {
        const answer = await runProgram(file, [...first, ...args]);
        const what = JSON.stringify(args);
        assert.deepEqual({ code: answer.code, stdout: answer.stdout }, { code, stdout }, what);
        assert.match(answer.stderr, stderr, what);
      }),
    );
  }
}

/** Asserts that the first request for a profile loads what a profile needs. */
async function assertLoadsOnDemand(agent: AgentProcess, port: number): Promise<void> {
  const token = (await Deno.readTextFile(`${agent.folder}/profiling.token`)).trim();
  const headers = { authorization: `Bearer ${token}` };
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
    return { status: response.status, text: await response.text() };
  };
  const metrics = await ask("/metrics");
  assert.equal(metrics.status, 200, metrics.text);
  assert.match(metrics.text, /^process_memory_usage_bytes [1-9]\d+$/m);
  const heap = await ask("/debug/pprof/heap");
  assert.equal(heap.status, 200, heap.text.slice(0, 200));
  assert.match(heap.text.slice(0, 40), /^\{"snapshot":/);
}

/** Runs a device with an app from its first start to its end. Returns the callers that its log names. */
async function runDevice(program: string): Promise<string[]> {
  const shared: { studio?: Studio } = {};
  const check = (login: Parameters<typeof checkLogin>[1]) =>
    shared.studio !== undefined && checkLogin(shared.studio.store, login) !== false;
  await using engine = await Dockerd.start();
  await using registry = await Registry.start({ check });
  await using studio = await startStudio({ registryHost: registry.host });
  shared.studio = studio;
  const device = studio.addDevice();
  const name = `${repositoryOf(ensureApp(studio.store, "shop"))}:1.0.0`;
  await pushImage(engine, registry, { name, recipe: { prints: ["open"], tickMs: 100 } });
  studio.addRelease("shop", "1.0.0");

  const args = ["-profiling", "-profilingPort", `${profilingPort}`];
  await using agent = await AgentProcess.start({
    flock: device.flock,
    program,
    args,
    env: { DOCKER_HOST: engine.host, ...debugging },
  });
  await studio.waitForStatus(device, "CONNECTED", { limitMs: 60_000 });
  const { args: [metadata] } = await studio.call(device, "get_agent_metadata");
  assert.equal(Object(metadata).version, agentVersion);
  await assertLoadsOnDemand(agent, profilingPort);
  await using viewer = await studio.followLogs(device, "shop");
  await studio.request(device, "shop", { target: "RUNNING" });
  await studio.waitForReport(device, { appName: "shop", state: "RUNNING" }, { limitMs: 60_000 });
  assert.match(await engine.docker("ps", "--format", "{{.Names}} {{.Image}}"), /^prod_\d+_shop .*:1\.0\.0$/);
  assert.match(await engine.docker("logs", await engine.docker("ps", "--quiet")), /^open\r?$/m);
  await assertShowsLog(viewer);

  assert.equal(await agent.stop(), 0, agent.errors);
  await assertWritesNothingElse(agent);
  await studio.waitForStatus(device, "DISCONNECTED");
  assert.match(await engine.docker("ps", "--format", "{{.Names}}"), /^prod_\d+_shop$/, "apps outlive the agent");
  const lines = await agent.readLog();
  assert.deepEqual(lines.filter(({ level }) => ["unreadable", "error", "fatal"].includes(level)), []);
  return lines.map(({ fields }) => String(fields.caller ?? ""));
}

/** #13: packages print nothing, and write to no file, whatever the environment asks for. */
async function assertWritesNothingElse(agent: AgentProcess): Promise<void> {
  assert.equal(agent.errors.replace(runtimeWarning, ""), "");
  assert.ok(!agent.output.includes("wampcra"), agent.output);
  const files = await Array.fromAsync(Deno.readDir(agent.folder), ({ name }) => name);
  assert.ok(!files.includes("trace"), files.join());
}

/** Asserts that the viewer receives every line of the app once and in order. */
async function assertShowsLog(viewer: FollowedLogs): Promise<void> {
  const hasLines = () => Promise.resolve(viewer.lines.length >= 10 || undefined);
  await pollUntil("the viewer has lines of the app", hasLines, { limitMs: 20_000 });
  const ticks = viewer.lines.filter((line) => line.startsWith("tick "));
  const from = Number(ticks[0]?.slice("tick ".length));
  assert.deepEqual(ticks, ticks.map((_, index) => `tick ${from + index}`));
}

/** Asserts that each caller is a place in the bundle where something is logged. */
function assertPlaces(callers: readonly string[], bundle: string): void {
  const lines = bundle.split("\n");
  assert.ok(callers.length > 10, `${callers.length} log lines`);
  for (const caller of callers) {
    const [, line, column] = /^reagent\.js:(\d+):(\d+)$/.exec(caller) ?? [];
    const code = lines[Number(line) - 1] ?? "";
    const [before, from] = [code.slice(0, Number(column) - 1), code.slice(Number(column) - 1)];
    // Of a call whose level is computed, `log[level](…)`, the place is that of the bracket.
    const isCall = /^(?:trace|debug|info|warn|error|fatal)\(/.test(from) ||
      (from.startsWith("(") && before.endsWith("]"));
    assert.ok(isCall, `"${caller}" points to ${before.slice(-20)}»${from.slice(0, 40)}`);
  }
}

Deno.test("the minified bundle answers on the command line, connects, runs an app and ends on TERM", async () => {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    await buildIn(folder, ["--bundle-only"]);
    const program = `${folder}/reagent.js`;
    await assertCommandLine(program);
    assertPlaces(await runDevice(program), await Deno.readTextFile(program));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the launcher answers on the command line, connects, runs an app and ends on TERM", async () => {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    await buildIn(folder, ["--bundle-only"]);
    const program = `${folder}/reagent-v${agentVersion}`;
    await Deno.rename(`${folder}/reagent`, program);
    await assertCommandLine(program);
    assertPlaces(await runDevice(program), await Deno.readTextFile(program));
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
      const file = files.find((name) => name.startsWith("reagent-"));
      assert.ok(file, files.join(", "));
      await assertCommandLine(`${folder}/${file}`);
      assertPlaces(await runDevice(`${folder}/${file}`), await Deno.readTextFile(`${folder}/reagent.js`));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
