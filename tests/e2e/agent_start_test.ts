// box engine registry crossbar
/** An agent as a process: how it starts, what it refuses, what it shows to people, and what it does to the machine. */

import assert from "node:assert/strict";
import { parseJson } from "../../lib/base/json.ts";
import { procedures } from "../../lib/handlers/procedures.ts";
import { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { readTextIfThere } from "../../scripts/files.ts";
import { Relay } from "../../scripts/testbed/relay.ts";
import { AgentWorld, otherMachine } from "./agent_world.ts";

/** Contents of a .flock file that is none, and how the agent calls them. */
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
    assert.ok(!agent.errors.includes("s3cr"), "a part of the secret is shown");
  }
}

async function wrongSecret(world: AgentWorld): Promise<void> {
  const device = world.addDevice();
  await using agent = await world.startAgent(device, { flock: { secret: "not-the-secret" } });
  assert.equal(await agent.waitForExit(), 1);
  assert.ok(agent.output.split("\n").includes("The IronFlock device connect authentication failed"), agent.output);
}

async function sameMachine(world: AgentWorld): Promise<void> {
  const device = world.addDevice();
  await using first = await world.startAgent(device);
  await world.studio.waitForStatus(device, "CONNECTED");
  await using second = await world.startAgent(device);
  assert.equal(await second.waitForExit(), 1);
  const line = parseJson(second.errors);
  assert.match(second.errors, /^\{"level":"fatal","error":"Another instance of the agent is already running/);
  assert.match(second.errors, /systemctl stop reagent/);
  assert.ok(typeof line === "object" && line !== null && !("caller" in line));
  assert.equal(second.output, "");
  assert.equal(await readTextIfThere(second.logFile), undefined);
  assert.deepEqual((await world.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
  assert.equal(await first.stop(), 0);
}

async function sameSerial(world: AgentWorld): Promise<void> {
  const device = world.addDevice();
  await using first = await world.startAgent(device);
  const { sessionId } = await world.studio.waitForStatus(device, "CONNECTED");
  await using machine = await otherMachine();
  // An engine of its own, which is not there: on the first one's it would be at home.
  const env = { DOCKER_HOST: "unix:///run/nowhere.sock" };
  await using second = await world.startAgent(device, { program: machine.program, env });
  assert.equal(await second.waitForExit(60_000), 1);
  const lines = second.output.trimEnd().split("\n");
  assert.equal(lines.at(-1), `a WAMP connection for ${device.serial} already exists`);
  const counts = (await second.readLog())
    .filter(({ message }) => message === "Another client is connected under this identity")
    .map(({ fields }) => fields.count);
  assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(world.studio.device(device).sessionId, sessionId);
  assert.equal((await world.procedures(device)).length, procedures.length + 1);
  assert.deepEqual((await world.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
  assert.equal(await first.stop(), 0);
}

async function offline(world: AgentWorld): Promise<void> {
  await world.publish("Lonely", "1", { tickMs: 500 });
  await using relay = Relay.listen(world.crossbar.port);
  const device = world.addDevice();
  const args: string[] = [];
  const flock = { device_endpoint_url: `ws://127.0.0.1:${relay.port}` };
  await using agent = await world.startAgent(device, { args, flock });
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.studio.request(device, "Lonely", { target: "RUNNING" });
  await world.studio.waitForReport(device, { appName: "Lonely", state: "RUNNING" });
  assert.equal(await agent.stop(), 0);
  await world.engine.docker("rm", "-f", world.container("Lonely"));
  await pollUntil("the connection is closed", () => Promise.resolve(relay.size === 0 || undefined), { limitMs: 5_000 });

  args.push("-offline");
  const before = (await agent.readLog()).length;
  const outputBefore = agent.output.length;
  agent.start();
  await world.untilContainer("Lonely", "running");
  await agent.waitForLog("Transition ended", { afterLine: before });
  await sleep(1_500);
  assert.equal(relay.size, 0);
  assert.deepEqual(await world.procedures(device), []);
  assert.match(
    agent.output.slice(outputBefore),
    /^Reagent \S+ starts on linux amd64\nOffline: apps run, and nothing is connected\n$/,
  );
  assert.equal(await agent.stop(), 0);
  assert.equal(await world.inspect("Lonely", "{{.State.Status}}"), "running");
  const told = (await agent.readLog()).slice(before).filter(({ message }) => /Connect/.test(message));
  assert.deepEqual(told, []);
}

async function lateEngine(world: AgentWorld): Promise<void> {
  await world.publish("Early", "1", { tickMs: 500 });
  const device = world.addDevice();
  await world.studio.request(device, "Early", { target: "RUNNING" });
  await using told = await world.listen(device, "Early");
  await world.engine.stop();
  await using agent = await world.startAgent(device);
  await world.studio.waitForStatus(device, "CONFIGURING");
  await pollUntil("all procedures are there", async () => {
    return (await world.procedures(device)).length === procedures.length + 1 || undefined;
  }, { limitMs: 20_000 });
  assert.deepEqual((await world.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
  const [stats] = (await world.studio.call(device, "get_storage_data")).args;
  assert.ok(typeof stats === "object" && stats !== null && "cpu_count" in stats);
  await assert.rejects(world.studio.call(device, "list_containers"), /engine|docker/i);
  await agent.waitForLog("The container engine does not answer yet");
  await pollUntil("it is told", () =>
    Promise.resolve(
      agent.output.includes("The container engine does not answer yet; the device can be reached all the same\n") ||
        undefined,
    ), { limitMs: 5_000 });
  assert.equal(world.studio.device(device).status, "CONFIGURING");
  assert.deepEqual(told.entries, []);
  await world.engine.start();
  await told.until('"Now running app Early (1)"');
  await world.studio.waitForStatus(device, "CONNECTED");
  assert.equal(await agent.stop(), 0);
}

async function prettyLogging(world: AgentWorld): Promise<void> {
  const device = world.addDevice();
  await using agent = await world.startAgent(device, { args: ["-prettyLogging"] });
  await world.studio.waitForStatus(device, "CONNECTED");
  assert.equal(await agent.stop(), 0);
  const form = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (DBG|INF|WRN|ERR) [a-z_]+\.[jt]s(:\d+)+ > .+$/;
  const lines = agent.output.trimEnd().split("\n");
  assert.deepEqual(lines.filter((line) => !form.test(line) || line.includes("\u001b")), []);
  assert.match(agent.output, / INF \S+ > Connected\n/);
  const file = await agent.readLog();
  assert.equal(file.length, lines.length, "each line is in both");
  assert.ok(file.every(({ level }) => level !== "unreadable"));
}

async function profiling(world: AgentWorld): Promise<void> {
  const device = world.addDevice();
  await using agent = await world.startAgent(device, { args: ["-profiling", "-profilingPort", "16060"] });
  await agent.waitForLog("Profiling server listens");
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
  const response = await fetch("http://127.0.0.1:16060/metrics", { client });
  const figures: unknown = await response.json();
  assert.ok(typeof figures === "object" && figures !== null && "pid" in figures && "memory" in figures);
  assert.equal(figures.pid, agent.pid);
  assert.equal(await agent.stop(), 0);
}

/** Programs that only write down when they ran and with what, in a folder that comes first in PATH. */
async function harmlessPrograms(folder: string): Promise<string> {
  await Deno.mkdir(folder);
  for (const name of ["reboot", "poweroff", "systemctl"]) {
    const script = `#!/bin/sh\necho "$(date +%s%3N) $*" >>"${folder}/${name}.ran"\n`;
    await Deno.writeTextFile(`${folder}/${name}`, script, { mode: 0o755 });
  }
  return `${folder}:${Deno.env.get("PATH")}`;
}

async function powerActions(world: AgentWorld): Promise<void> {
  const folder = `${await Deno.makeTempDir({ prefix: "p-" })}/bin`;
  const device = world.addDevice();
  await using agent = await world.startAgent(device, { env: { PATH: await harmlessPrograms(folder) } });
  await world.studio.waitForStatus(device, "CONNECTED");
  const actions = [["system_reboot", "reboot", ""], ["system_shutdown", "poweroff", ""], [
    "system_restart_agent",
    "systemctl",
    "restart reagent",
  ]] as const;
  const denied = ["reboot device", "power off device", "restart agent"];
  await using stranger = await world.openStranger();
  for (const [index, [procedure]] of actions.entries()) {
    await assert.rejects(stranger.call(`re.mgmt.${device.serial}.${procedure}`), {
      uri: "wamp.error.canceled",
      message: new RegExp(`insufficient privileges to ${denied[index]}`),
    });
  }
  for (const [procedure, program, words] of actions) {
    assert.deepEqual((await world.studio.call(device, procedure)).args, []);
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

Deno.test("an agent as a process", async (test) => {
  await using world = await AgentWorld.start();
  const cases: Record<string, (world: AgentWorld) => Promise<void>> = {
    "a broken .flock file ends the start with a reason, and stays as it is": brokenFlock,
    "a wrong device secret is final": wrongSecret,
    "a second agent on the machine does not start": sameMachine,
    "a second device with the serial number is found after eight dials, and the first goes on": sameSerial,
    "offline, apps start, nothing is connected, and the end is in order": offline,
    "an engine that comes late: the device can be reached, and its apps start when it is there": lateEngine,
    "lines for people are on stdout as well as in the file": prettyLogging,
    "figures are served on the profiling port": profiling,
    "the machine is restarted two seconds after the reply, for who may ask for it": powerActions,
  };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(world));
});
