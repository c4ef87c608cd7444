// box engine registry crossbar
/** An agent's process: how it starts, what it refuses, what it prints, and how it restarts the machine. */

import assert from "node:assert/strict";
import { parseJson } from "../../lib/base/json.ts";
import { procedures } from "../../lib/handlers/procedures.ts";
import { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { readTextIfThere } from "../../scripts/files.ts";
import { Relay } from "../../scripts/testbed/relay.ts";
import { AgentFixture } from "./agent_fixture.ts";
import { otherMachine } from "./other_machine.ts";

/** Invalid contents of a .flock file, and the reason that the agent reports. */
const brokenFiles: readonly [text: string, reason: RegExp][] = [
  ["", /empty/],
  [" \n", /empty/],
  ['{"name": "pump", "secret": "s3cr', /./],
  ["not JSON at all", /./],
  ["[]", /object/],
  ["null", /object/],
];

async function brokenFlock(): Promise<void> {
  for (const [text, reason] of brokenFiles) {
    await using agent = await AgentProcess.start({ flock: text });
    assert.equal(await agent.waitForExit(), 1, text);
    assert.equal(await Deno.readTextFile(agent.flockFile), text);
    const line = (await agent.readLog()).at(-1);
    assert.equal(line?.level, "fatal");
    assert.equal(line?.message, "The agent cannot go on");
    assert.match(
      String(line?.fields.error),
      new RegExp(`^Cannot use the config file "${agent.flockFile}": .+; it was left as it is$`),
    );
    assert.match(String(line?.fields.error), reason);
    assert.deepEqual(
      agent.errors.trimEnd().split("\n"),
      (await Deno.readTextFile(agent.logFile)).trimEnd().split("\n").slice(-1),
    );
    assert.ok(!agent.errors.includes("s3cr"), "a part of the secret is printed");
  }
}

async function wrongSecret(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device, { flock: { secret: "not-the-secret" } });
  assert.equal(await agent.waitForExit(), 1);
  assert.ok(agent.output.split("\n").includes("The IronFlock device connect authentication failed"), agent.output);
}

async function sameMachine(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using first = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await using second = await fixture.startAgent(device);
  assert.equal(await second.waitForExit(), 1);
  const line = parseJson(second.errors);
  assert.match(second.errors, /^\{"level":"fatal","error":"Another instance of the agent is already running/);
  assert.match(second.errors, /systemctl stop reagent/);
  assert.ok(typeof line === "object" && line !== null && !("caller" in line));
  assert.equal(second.output, "");
  assert.equal(await readTextIfThere(second.logFile), undefined);
  assert.deepEqual((await fixture.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
  assert.equal(await first.stop(), 0);
}

async function sameSerial(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using first = await fixture.startAgent(device);
  const { sessionId } = await fixture.studio.waitForStatus(device, "CONNECTED");
  await using machine = await otherMachine();
  // An engine of its own, which does not exist; it must not touch the containers of the first one.
  const env = { DOCKER_HOST: "unix:///run/nowhere.sock" };
  await using second = await fixture.startAgent(device, { program: machine.program, env });
  assert.equal(await second.waitForExit(60_000), 1);
  const lines = second.output.trimEnd().split("\n");
  assert.equal(lines.at(-1), `a WAMP connection for ${device.serial} already exists`);
  const counts = (await second.readLog())
    .filter(({ message }) => message === "Another client is connected under this identity")
    .map(({ fields }) => fields.count);
  assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(fixture.studio.device(device).sessionId, sessionId);
  assert.equal((await fixture.procedures(device)).length, procedures.length + 1);
  assert.deepEqual((await fixture.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
  assert.equal(await first.stop(), 0);
}

async function offline(fixture: AgentFixture): Promise<void> {
  await fixture.publish("Lonely", "1", { tickMs: 500 });
  await using relay = Relay.listen(fixture.crossbar.port);
  const device = fixture.addDevice();
  const args: string[] = [];
  const flock = { device_endpoint_url: `ws://127.0.0.1:${relay.port}` };
  await using agent = await fixture.startAgent(device, { args, flock });
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, "Lonely", { target: "RUNNING" });
  await fixture.studio.waitForReport(device, { appName: "Lonely", state: "RUNNING" });
  assert.equal(await agent.stop(), 0);
  await fixture.engine.docker("rm", "-f", fixture.container("Lonely"));
  await pollUntil("the connection is closed", () => Promise.resolve(relay.size === 0 || undefined), { limitMs: 5_000 });

  args.push("-offline");
  const before = (await agent.readLog()).length;
  const outputBefore = agent.output.length;
  agent.start();
  await fixture.untilContainer("Lonely", "running");
  await agent.waitForLog("Transition ended", { afterLine: before });
  await sleep(1_500);
  assert.equal(relay.size, 0);
  assert.deepEqual(await fixture.procedures(device), []);
  assert.match(
    agent.output.slice(outputBefore),
    /^Reagent \S+ starts on linux amd64\nOffline: apps run, and nothing is connected\n$/,
  );
  assert.equal(await agent.stop(), 0);
  assert.equal(await fixture.inspect("Lonely", "{{.State.Status}}"), "running");
  const lines = (await agent.readLog()).slice(before).filter(({ message }) => /Connect/.test(message));
  assert.deepEqual(lines, []);
}

async function lateEngine(fixture: AgentFixture): Promise<void> {
  await fixture.publish("Early", "1", { tickMs: 500 });
  const device = fixture.addDevice();
  await fixture.studio.request(device, "Early", { target: "RUNNING" });
  await using transcript = await fixture.record(device, "Early");
  await fixture.engine.stop();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONFIGURING");
  await pollUntil("all procedures are there", async () => {
    return (await fixture.procedures(device)).length === procedures.length + 1 || undefined;
  }, { limitMs: 20_000 });
  assert.deepEqual((await fixture.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
  const [stats] = (await fixture.studio.call(device, "get_storage_data")).args;
  assert.ok(typeof stats === "object" && stats !== null && "cpu_count" in stats);
  await assert.rejects(fixture.studio.call(device, "list_containers"), /engine|docker/i);
  await agent.waitForLog("The container engine does not answer yet");
  await pollUntil("it is printed", () =>
    Promise.resolve(
      agent.output.includes("The container engine does not answer yet; the device can be reached all the same\n") ||
        undefined,
    ), { limitMs: 5_000 });
  assert.equal(fixture.studio.device(device).status, "CONFIGURING");
  assert.deepEqual(transcript.entries, []);
  await fixture.engine.start();
  await transcript.until('"Now running app Early (1)"');
  await fixture.studio.waitForStatus(device, "CONNECTED");
  assert.equal(await agent.stop(), 0);
}

async function prettyLogging(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device, { args: ["-prettyLogging"] });
  await fixture.studio.waitForStatus(device, "CONNECTED");
  assert.equal(await agent.stop(), 0);
  const form = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DBG|INF|WRN|ERR) [a-z_]+\.[jt]s(:\d+)+ > .+$/;
  const lines = agent.output.trimEnd().split("\n");
  assert.deepEqual(lines.filter((line) => !form.test(line) || line.includes("\u001b")), []);
  assert.match(agent.output, / INF \S+ > Connected\n/);
  const file = await agent.readLog();
  assert.equal(file.length, lines.length, "the file and stdout differ");
  assert.ok(file.every(({ level }) => level !== "unreadable"));
}

async function profiling(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device, { args: ["-profiling", "-profilingPort", "16060"] });
  await agent.waitForLog("Profiling server listens");
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const refused = await fetch("http://127.0.0.1:16060/metrics", { client });
  assert.deepEqual([refused.status, await refused.text()], [401, "The token of profiling.token is needed\n"]);
  const token = (await Deno.readTextFile(`${agent.folder}/profiling.token`)).trim();
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch("http://127.0.0.1:16060/debug/process", { client, headers });
  const metrics: unknown = await response.json();
  assert.ok(typeof metrics === "object" && metrics !== null && "pid" in metrics && "memory" in metrics);
  assert.equal(metrics.pid, agent.pid);
  assert.equal(await agent.stop(), 0);
}

/** Makes programs that only record when and how they were run, in a folder that comes first in PATH. */
async function harmlessPrograms(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  for (const name of ["reboot", "poweroff", "systemctl"]) {
    const script = `#!/bin/sh\necho "$(date +%s%3N) $*" >>"${folder}/${name}.ran"\n`;
    await Deno.writeTextFile(`${folder}/${name}`, script, { mode: 0o755 });
  }
  return `${folder}:${Deno.env.get("PATH")}`;
}

async function powerActions(fixture: AgentFixture): Promise<void> {
  const folder = `${await Deno.makeTempDir({ prefix: "p-" })}/bin`;
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device, { env: { PATH: await harmlessPrograms(folder) } });
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const actions = [["system_reboot", "reboot", ""], ["system_shutdown", "poweroff", ""], [
    "system_restart_agent",
    "systemctl",
    "restart reagent",
  ]] as const;
  const denied = ["reboot device", "power off device", "restart agent"];
  await using outsider = await fixture.openOutsider();
  for (const [index, [procedure]] of actions.entries()) {
    await assert.rejects(outsider.call(`re.mgmt.${device.serial}.${procedure}`), {
      uri: "wamp.error.canceled",
      message: new RegExp(`insufficient privileges to ${denied[index]}`),
    });
  }
  for (const [procedure, program, words] of actions) {
    assert.deepEqual((await fixture.studio.call(device, procedure)).args, []);
    const repliedAt = Date.now();
    const ran = await pollUntil(`${program} ran`, () => readTextIfThere(`${folder}/${program}.ran`));
    const [, ms, args] = /^(\d+) (.*)\n$/.exec(ran) ?? [];
    assert.equal(args, words);
    const waitedMs = Number(ms) - repliedAt;
    assert.ok(waitedMs > 1_900 && waitedMs < 6_000, `${program} ran ${waitedMs} ms after the reply`);
  }
  assert.equal(await agent.stop(), 0);
  await Deno.remove(folder.replace(/\/bin$/, ""), { recursive: true });
}

async function refusedVersion(fixture: AgentFixture): Promise<void> {
  const cases = [["1.99", "Newer"], ["1.10", "Older"], ["newest", "Odd"]] as const;
  // Pruning everything takes away what images are built from.
  for (const [, app] of cases) await fixture.publish(app, "1", { prints: ["hello"] });
  for (const [version, app] of cases) {
    const device = fixture.addDevice();
    await using agent = await fixture.startAgent(device, { env: { DOCKER_API_VERSION: version } });
    await fixture.studio.waitForStatus(device, "CONNECTED");
    const { after } = await fixture.studio.request(device, app, { target: "RUNNING" });
    await fixture.studio.waitForReport(device, { appName: app, state: "RUNNING" }, { after, limitMs: 30_000 });
    assert.ok((await fixture.studio.call(device, "list_containers")).args.length > 0);
    // This one runs the engine's command line.
    await fixture.studio.call(device, "prune_images", { args: [{ all: true }] });
    const warnings = (await agent.readLog()).filter(({ message }) => /DOCKER_API_VERSION|of its API/.test(message));
    assert.ok(warnings.length > 0 && warnings.every(({ level }) => level === "warn"), JSON.stringify(warnings));
    const end = await fixture.studio.request(device, app, { target: "UNINSTALLED" });
    await fixture.studio.waitForReport(device, { appName: app, state: "UNINSTALLED" }, { after: end.after });
    assert.equal(await agent.stop(), 0);
  }
}

Deno.test("an agent as a process", async (test) => {
  await using fixture = await AgentFixture.start();
  const cases: Record<string, (fixture: AgentFixture) => Promise<void>> = {
    "an invalid .flock file ends the start with a reason, and is left unchanged": brokenFlock,
    "a wrong device secret ends the agent": wrongSecret,
    "a second agent on the machine does not start": sameMachine,
    "a second device with the same serial number gives up after eight dials, and the first one stays": sameSerial,
    "offline, it starts apps, connects to nothing and shuts down cleanly": offline,
    "without an engine the device can be reached, and its apps start once the engine is up": lateEngine,
    "pretty lines are on stdout as well as in the file": prettyLogging,
    "metrics are served on the profiling port": profiling,
    "the machine is restarted two seconds after the reply, for authorized callers only": powerActions,
    "#16: with a DOCKER_API_VERSION that the engine does not take, it works as with one that it takes": refusedVersion,
  };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(fixture));
});
