// box engine registry crossbar
/** What an agent's process survives: router, engine and backend that go away, kills, wrong answers, a move to another project. */

import assert from "node:assert/strict";
import { procedures } from "../../lib/handlers/procedures.ts";
import type { InvocationHandler } from "../../lib/wamp/invocations.ts";
import type { CallReply } from "../../lib/wamp/session.ts";
import { backendProcedures } from "../../lib/backend/uris.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentWorld, type Listening } from "./agent_world.ts";

/** A device whose app runs. */
interface Stage extends AsyncDisposable {
  world: AgentWorld;
  device: AddedDevice;
  agent: AgentProcess;
  told: Listening;
  app: string;
  /** The app's container. */
  container: string | undefined;
}

async function prepare(world: AgentWorld, app: string): Promise<Stage> {
  await world.publish(app, "1", { tickMs: 200 });
  const device = world.addDevice();
  const agent = await world.startAgent(device);
  const told = await world.listen(device, app);
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.studio.request(device, app, { target: "RUNNING" });
  await told.until(`"Now running app ${app} (1)"`);
  const container = await world.inspect(app);
  return {
    ...{ world, device, agent, told, app, container },
    [Symbol.asyncDispose]: async () => {
      await told[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
    },
  };
}

/** The app runs in the container in which it ran, and the device has all of its procedures. */
async function assertUnharmed({ world, device, app, container }: Stage): Promise<void> {
  assert.equal(await world.inspect(app), container, "the app's container is another one");
  assert.equal(await world.inspect(app, "{{.State.Status}} {{.RestartCount}}"), "running 0");
  assert.equal((await world.procedures(device)).length, procedures.length + 1);
  assert.deepEqual((await world.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
}

async function routerRestart(world: AgentWorld): Promise<void> {
  await using stage = await prepare(world, "Router");
  const { device, agent, told } = stage;
  for (
    const restart of [() => world.crossbar.restart(), () => world.crossbar.kill().then(() => world.crossbar.start())]
  ) {
    const { sessionId } = world.studio.device(device);
    told.clear();
    await restart();
    await world.untilBack(device, sessionId, 40_000);
    await assertUnharmed(stage);
    await told.until("RUNNING");
    assert.deepEqual(told.entries.filter((entry) => entry !== "RUNNING"), []);
  }
  assert.equal(agent.output.split("\n").filter((line) => line === "Connected again").length, 2);
  assert.equal(await agent.stop(), 0);
}

async function sessionKilled(world: AgentWorld): Promise<void> {
  await using stage = await prepare(world, "Session");
  const { device, agent } = stage;
  for (let round = 0; round < 2; round += 1) {
    const { sessionId } = world.studio.device(device);
    await world.killSession(device);
    await world.untilBack(device, sessionId);
    await assertUnharmed(stage);
  }
  await agent.waitForLog(({ message, fields }) => message === "Disconnected" && fields.kind === "goodbye");
  assert.equal(await agent.stop(), 0);
}

async function engineRestart(world: AgentWorld): Promise<void> {
  await using stage = await prepare(world, "Engine");
  const { device, agent, told, app } = stage;
  for (const restart of [() => world.engine.restart(), () => world.engine.kill().then(() => world.engine.start())]) {
    told.clear();
    await restart();
    await told.until(`"Now running app ${app} (1)"`, 40_000);
    assert.equal(await world.inspect(app, "{{.State.Status}}"), "running");
    const { entries } = told;
    assert.deepEqual(entries.slice(0, entries.indexOf(`"Now running app ${app} (1)"`) + 1), [
      "FAILED",
      `"${app} (PROD) exited with status code: 0"`,
      `"Starting ${app}..."`,
      "STARTING",
      "RUNNING",
      `"Now running app ${app} (1)"`,
    ]);
  }
  assert.equal(world.studio.device(device).status, "CONNECTED");
  assert.equal(agent.output.includes("Connected again"), false, "the connection to the router was lost over it");
  assert.equal(await agent.stop(), 0);
}

async function killed(world: AgentWorld): Promise<void> {
  await using stage = await prepare(world, "Killed");
  const { device, agent, told } = stage;
  for (let round = 0; round < 2; round += 1) {
    await agent.kill();
    // Its last will.
    await world.studio.waitForStatus(device, "DISCONNECTED");
    assert.equal(await world.inspect(stage.app, "{{.State.Status}}"), "running");
    told.clear();
    agent.start();
    await world.studio.waitForStatus(device, "CONNECTED");
    await assertUnharmed(stage);
    await told.until("RUNNING");
    assert.deepEqual(told.entries.filter((entry) => entry !== "RUNNING"), []);
  }
  assert.equal(await agent.stop(), 0);
}

async function killedInDownload(world: AgentWorld): Promise<void> {
  await world.publish("Big", "1", { sizeMb: 10, tickMs: 200 });
  const device = world.addDevice();
  await using agent = await world.startAgent(device);
  await using told = await world.listen(device, "Big");
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.studio.request(device, "Big", { target: "RUNNING" });
  await told.until("DOWNLOADING");
  await agent.kill();
  assert.equal(await world.inspect("Big"), undefined);
  told.clear();
  agent.start();
  await told.until('"Now running app Big (1)"');
  // The engine may have ended the download by itself, so it is not known from where the app goes on.
  const states = told.entries.filter((entry) => !entry.startsWith('"'));
  const afterFirst = states.slice(states.indexOf("RUNNING"));
  assert.deepEqual(afterFirst.filter((state) => state !== "RUNNING"), [], told.entries.join());
  assert.ok(!states.includes("FAILED"), told.entries.join());
  assert.equal(await world.inspect("Big", "{{.State.Status}}"), "running");
  assert.equal(await agent.stop(), 0);
}

async function backendAway(world: AgentWorld): Promise<void> {
  await world.publish("Patient", "1", { tickMs: 200 });
  const device = world.addDevice();
  await world.studio.request(device, "Patient", { target: "RUNNING" });
  await world.endStudio();
  await using agent = await world.startAgent(device);
  await agent.waitForLog("Connected");
  await sleep(20_000);
  assert.notEqual(agent.pid, undefined, "the agent has ended");
  const startedMs = performance.now();
  await world.startStudio();
  await world.studio.waitForStatus(device, "CONNECTED", { limitMs: 15_000 });
  await world.untilContainer("Patient", "running", 15_000 - (performance.now() - startedMs));
  assert.equal((await world.procedures(device)).length, procedures.length + 1);
  // The same while it runs: nothing of the device is lost over it.
  const container = await world.inspect("Patient");
  await world.endStudio();
  await sleep(3_000);
  await world.startStudio();
  await using told = await world.listen(device, "Patient");
  await world.studio.request(device, "Patient", { target: "RUNNING" });
  await told.until("RUNNING");
  assert.equal(await world.inspect("Patient"), container);
  assert.equal(await agent.stop(), 0);
}

/** Answers to the question for all apps that are none, and what the log says of each. */
const wrongAnswers: readonly [string, Partial<CallReply>][] = [
  ["nothing", {}],
  ["null", { args: [null] }],
  ["text", { args: ["none"] }],
  ["an object", { args: [{}] }],
  ["a list of nothing useful", { args: [[null, 7, "x", []]] }],
  ["rows without their key", { args: [[{ app_name: "Careful", stage: "PROD", target_state: "REMOVED" }]] }],
  ["a list in another place", { args: [], kwargs: { apps: [] } }],
];

async function wrongAnswer(world: AgentWorld): Promise<void> {
  await using stage = await prepare(world, "Careful");
  const { device, agent } = stage;
  const answers: { next: Partial<CallReply>; asked: number } = { next: {}, asked: 0 };
  const answer: InvocationHandler = () => {
    answers.asked += 1;
    return Promise.resolve(answers.next);
  };
  await using other = await world.openSystem();
  await other.register(backendProcedures.getRequestedAppStates, answer, { forceReregister: true });
  for (const [name, next] of wrongAnswers) {
    Object.assign(answers, { next, asked: 0 });
    const { sessionId } = world.studio.device(device);
    const before = (await agent.readLog()).length;
    await world.killSession(device);
    await pollUntil(`the device asks (${name})`, () => Promise.resolve(answers.asked > 0 || undefined), {
      limitMs: 30_000,
    });
    await world.untilBack(device, sessionId);
    await assertUnharmed(stage);
    const lines = (await agent.readLog()).slice(before).filter(({ level }) => level === "warn");
    assert.ok(lines.some(({ message }) => /what Studio wants/.test(message)), `nothing is said of ${name}`);
    assert.deepEqual(lines.filter(({ message }) => /remove/i.test(message)), []);
  }
  // An empty list is doubted: only a second one in a row counts.
  Object.assign(answers, { next: { args: [[]] }, asked: 0 });
  const { sessionId } = world.studio.device(device);
  await world.killSession(device);
  await pollUntil("the device asks", () => Promise.resolve(answers.asked > 0 || undefined), { limitMs: 30_000 });
  answers.next = { args: [null] };
  await pollUntil("the device asks again", () => Promise.resolve(answers.asked > 1 || undefined), { limitMs: 30_000 });
  await world.untilBack(device, sessionId);
  await assertUnharmed(stage);
  assert.equal(await agent.stop(), 0);
}

async function moved(world: AgentWorld): Promise<void> {
  await using stage = await prepare(world, "Moved");
  const { device, agent, told } = stage;
  const { sessionId } = world.studio.device(device);
  const flockBefore: unknown = JSON.parse(await Deno.readTextFile(agent.flockFile));
  world.studio.moveDevice(device, { swarmKey: 3, swarmName: "elsewhere" });
  told.clear();
  await world.killSession(device);
  await world.untilBack(device, sessionId);
  const now = world.studio.device(device);
  assert.equal(now.authid, `3-${device.deviceKey}`);
  const [details] = (await world.studio.backend.call("wamp.session.get", [now.sessionId])).args;
  assert.ok(typeof details === "object" && details !== null && "authid" in details);
  assert.equal(details.authid, now.authid);
  const flock: unknown = JSON.parse(await Deno.readTextFile(agent.flockFile));
  assert.deepEqual(flock, { ...Object(flockBefore), swarm_key: 3, swarm_name: "elsewhere" });
  assert.equal((await Deno.stat(agent.flockFile)).size, (await Deno.readTextFile(agent.flockFile)).length);
  await assertUnharmed(stage);
  await told.until("RUNNING");
  // And so it is after a start from the file.
  assert.equal(await agent.stop(), 0);
  agent.start();
  await world.untilBack(device, now.sessionId);
  assert.equal(await agent.stop(), 0);
}

Deno.test("what an agent survives", async (test) => {
  await using world = await AgentWorld.start();
  const cases: Record<string, (world: AgentWorld) => Promise<void>> = {
    "a router that was restarted, in order or not": routerRestart,
    "a session that the router ends": sessionKilled,
    "an engine that was restarted, in order or not: its apps run again": engineRestart,
    "a kill of the agent: its last will is told, and the next start finds all as it was": killed,
    "a kill in the middle of a download": killedInDownload,
    "a backend that is away for long": backendAway,
    "answers without sense never cost an app": wrongAnswer,
    "a move to another project": moved,
  };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(world));
});
