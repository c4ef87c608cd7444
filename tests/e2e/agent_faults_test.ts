// box engine registry crossbar
/**
 * What an agent's process survives: outages of router, engine and backend, kills, malformed answers, another project.
 */

import assert from "node:assert/strict";
import { procedures } from "../../lib/handlers/procedures.ts";
import type { InvocationHandler } from "../../lib/wamp/invocations.ts";
import type { CallReply } from "../../lib/wamp/session.ts";
import { backendProcedures } from "../../lib/backend/uris.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentFixture, type Recording } from "./agent_fixture.ts";

/** A device with a running app. */
interface RunningApp extends AsyncDisposable {
  fixture: AgentFixture;
  device: AddedDevice;
  agent: AgentProcess;
  transcript: Recording;
  app: string;
  /** The app's container. */
  container: string | undefined;
}

async function prepare(fixture: AgentFixture, app: string): Promise<RunningApp> {
  await fixture.publish(app, "1", { tickMs: 200 });
  const device = fixture.addDevice();
  const agent = await fixture.startAgent(device);
  const transcript = await fixture.record(device, app);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, app, { target: "RUNNING" });
  await transcript.until(`"Now running app ${app} (1)"`);
  const container = await fixture.inspect(app);
  return {
    ...{ fixture, device, agent, transcript, app, container },
    [Symbol.asyncDispose]: async () => {
      await transcript[Symbol.asyncDispose]();
      await agent[Symbol.asyncDispose]();
    },
  };
}

/** Asserts that the app still runs in the same container, and that the device has all of its procedures. */
async function assertUnharmed({ fixture, device, app, container }: RunningApp): Promise<void> {
  assert.equal(await fixture.inspect(app), container, "the app has another container");
  assert.equal(await fixture.inspect(app, "{{.State.Status}} {{.RestartCount}}"), "running 0");
  assert.equal((await fixture.procedures(device)).length, procedures.length + 1);
  assert.deepEqual((await fixture.studio.call(device, "wamp_connection_established")).args, ["Hello :-)"]);
}

async function routerRestart(fixture: AgentFixture): Promise<void> {
  await using running = await prepare(fixture, "Router");
  const { device, agent, transcript } = running;
  for (
    const restart of [
      () => fixture.crossbar.restart(),
      () => fixture.crossbar.kill().then(() => fixture.crossbar.start()),
    ]
  ) {
    const { sessionId } = fixture.studio.device(device);
    transcript.clear();
    await restart();
    await fixture.untilBack(device, sessionId, { limitMs: 40_000 });
    await assertUnharmed(running);
    await transcript.until("RUNNING");
    assert.deepEqual(transcript.entries.filter((entry) => entry !== "RUNNING"), []);
  }
  assert.equal(agent.output.split("\n").filter((line) => line === "Connected again").length, 2);
  assert.equal(await agent.stop(), 0);
}

async function sessionKilled(fixture: AgentFixture): Promise<void> {
  await using running = await prepare(fixture, "Session");
  const { device, agent } = running;
  for (let count = 0; count < 2; count += 1) {
    const { sessionId } = fixture.studio.device(device);
    await fixture.killSession(device);
    await fixture.untilBack(device, sessionId);
    await assertUnharmed(running);
  }
  await agent.waitForLog(({ message, fields }) => message === "Disconnected" && fields.kind === "goodbye");
  assert.equal(await agent.stop(), 0);
}

async function engineRestart(fixture: AgentFixture): Promise<void> {
  await using running = await prepare(fixture, "Engine");
  const { device, agent, transcript, app } = running;
  for (
    const restart of [() => fixture.engine.restart(), () => fixture.engine.kill().then(() => fixture.engine.start())]
  ) {
    transcript.clear();
    await restart();
    await transcript.until(`"Now running app ${app} (1)"`, 40_000);
    assert.equal(await fixture.inspect(app, "{{.State.Status}}"), "running");
    const { entries } = transcript;
    assert.deepEqual(entries.slice(0, entries.indexOf(`"Now running app ${app} (1)"`) + 1), [
      "FAILED",
      `"${app} (PROD) exited with status code: 0"`,
      `"Starting ${app}..."`,
      "STARTING",
      "RUNNING",
      `"Now running app ${app} (1)"`,
    ]);
  }
  assert.equal(fixture.studio.device(device).status, "CONNECTED");
  assert.equal(agent.output.includes("Connected again"), false, "the connection to the router was lost");
  assert.equal(await agent.stop(), 0);
}

async function killed(fixture: AgentFixture): Promise<void> {
  await using running = await prepare(fixture, "Killed");
  const { device, agent, transcript } = running;
  for (let count = 0; count < 2; count += 1) {
    await agent.kill();
    // The router publishes its testament.
    await fixture.studio.waitForStatus(device, "DISCONNECTED");
    assert.equal(await fixture.inspect(running.app, "{{.State.Status}}"), "running");
    transcript.clear();
    agent.start();
    await fixture.studio.waitForStatus(device, "CONNECTED");
    await assertUnharmed(running);
    await transcript.until("RUNNING");
    assert.deepEqual(transcript.entries.filter((entry) => entry !== "RUNNING"), []);
  }
  assert.equal(await agent.stop(), 0);
}

async function killedInDownload(fixture: AgentFixture): Promise<void> {
  await fixture.publish("Big", "1", { sizeMb: 10, tickMs: 200 });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await using transcript = await fixture.record(device, "Big");
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.studio.request(device, "Big", { target: "RUNNING" });
  await transcript.until("DOWNLOADING");
  await agent.kill();
  assert.equal(await fixture.inspect("Big"), undefined);
  transcript.clear();
  agent.start();
  await transcript.until('"Now running app Big (1)"');
  // The engine may have completed the download by itself, so the first state is not predictable.
  const states = transcript.entries.filter((entry) => !entry.startsWith('"'));
  const afterFirst = states.slice(states.indexOf("RUNNING"));
  assert.deepEqual(afterFirst.filter((state) => state !== "RUNNING"), [], transcript.entries.join());
  assert.ok(!states.includes("FAILED"), transcript.entries.join());
  assert.equal(await fixture.inspect("Big", "{{.State.Status}}"), "running");
  assert.equal(await agent.stop(), 0);
}

async function backendAway(fixture: AgentFixture): Promise<void> {
  await fixture.publish("Patient", "1", { tickMs: 200 });
  const device = fixture.addDevice();
  await fixture.studio.request(device, "Patient", { target: "RUNNING" });
  await fixture.stopStudio();
  await using agent = await fixture.startAgent(device);
  await agent.waitForLog("Connected");
  await sleep(20_000);
  assert.notEqual(agent.pid, undefined, "the agent has ended");
  const startedMs = performance.now();
  await fixture.startStudio();
  await fixture.studio.waitForStatus(device, "CONNECTED", { limitMs: 15_000 });
  await fixture.untilContainer("Patient", "running", { limitMs: 15_000 - (performance.now() - startedMs) });
  assert.equal((await fixture.procedures(device)).length, procedures.length + 1);
  // The same while it runs: the device loses nothing.
  const container = await fixture.inspect("Patient");
  await fixture.stopStudio();
  await sleep(3_000);
  await fixture.startStudio();
  await using transcript = await fixture.record(device, "Patient");
  await fixture.studio.request(device, "Patient", { target: "RUNNING" });
  await transcript.until("RUNNING");
  assert.equal(await fixture.inspect("Patient"), container);
  assert.equal(await agent.stop(), 0);
}

/** Malformed answers to `get_requested_app_states`. */
const wrongAnswers: readonly [string, Partial<CallReply>][] = [
  ["nothing", {}],
  ["null", { args: [null] }],
  ["text", { args: ["none"] }],
  ["an object", { args: [{}] }],
  ["a list of nothing useful", { args: [[null, 7, "x", []]] }],
  ["rows without their key", { args: [[{ app_name: "Careful", running: "PROD", target_state: "REMOVED" }]] }],
  ["a list in kwargs", { args: [], kwargs: { apps: [] } }],
];

async function wrongAnswer(fixture: AgentFixture): Promise<void> {
  await using running = await prepare(fixture, "Careful");
  const { device, agent } = running;
  const answers: { next: Partial<CallReply>; asked: number } = { next: {}, asked: 0 };
  const answer: InvocationHandler = () => {
    answers.asked += 1;
    return Promise.resolve(answers.next);
  };
  await using other = await fixture.openSystem();
  await other.register(backendProcedures.getRequestedAppStates, answer, { forceReregister: true });
  for (const [name, next] of wrongAnswers) {
    Object.assign(answers, { next, asked: 0 });
    const { sessionId } = fixture.studio.device(device);
    const before = (await agent.readLog()).length;
    await fixture.killSession(device);
    await pollUntil(`the device asks (${name})`, () => Promise.resolve(answers.asked > 0 || undefined), {
      limitMs: 30_000,
    });
    await fixture.untilBack(device, sessionId);
    await assertUnharmed(running);
    const lines = (await agent.readLog()).slice(before).filter(({ level }) => level === "warn");
    assert.ok(lines.some(({ message }) => /what Studio wants/.test(message)), `no warning about ${name}`);
    assert.deepEqual(lines.filter(({ message }) => /remove/i.test(message)), []);
  }
  // An empty list only counts when it comes twice in a row.
  Object.assign(answers, { next: { args: [[]] }, asked: 0 });
  const { sessionId } = fixture.studio.device(device);
  await fixture.killSession(device);
  await pollUntil("the device asks", () => Promise.resolve(answers.asked > 0 || undefined), { limitMs: 30_000 });
  answers.next = { args: [null] };
  await pollUntil("the device asks again", () => Promise.resolve(answers.asked > 1 || undefined), { limitMs: 30_000 });
  await fixture.untilBack(device, sessionId);
  await assertUnharmed(running);
  assert.equal(await agent.stop(), 0);
}

async function moved(fixture: AgentFixture): Promise<void> {
  await using running = await prepare(fixture, "Moved");
  const { device, agent, transcript } = running;
  const { sessionId } = fixture.studio.device(device);
  const flockBefore: unknown = JSON.parse(await Deno.readTextFile(agent.flockFile));
  fixture.studio.moveDevice(device, { swarmKey: 3, swarmName: "elsewhere" });
  transcript.clear();
  await fixture.killSession(device);
  await fixture.untilBack(device, sessionId);
  const now = fixture.studio.device(device);
  assert.equal(now.authid, `3-${device.deviceKey}`);
  const [details] = (await fixture.studio.backend.call("wamp.session.get", [now.sessionId])).args;
  assert.ok(typeof details === "object" && details !== null && "authid" in details);
  assert.equal(details.authid, now.authid);
  const flock: unknown = JSON.parse(await Deno.readTextFile(agent.flockFile));
  assert.deepEqual(flock, { ...Object(flockBefore), swarm_key: 3, swarm_name: "elsewhere" });
  assert.equal((await Deno.stat(agent.flockFile)).size, (await Deno.readTextFile(agent.flockFile)).length);
  await assertUnharmed(running);
  await transcript.until("RUNNING");
  // The same after a start from the file.
  assert.equal(await agent.stop(), 0);
  agent.start();
  await fixture.untilBack(device, now.sessionId);
  assert.equal(await agent.stop(), 0);
}

Deno.test("what an agent survives", async (test) => {
  await using fixture = await AgentFixture.start();
  const cases: Record<string, (fixture: AgentFixture) => Promise<void>> = {
    "a restart or crash of the router": routerRestart,
    "the router ends its session": sessionKilled,
    "a restart or crash of the engine, after which its apps run again": engineRestart,
    "a kill: its testament is published, and the next start leaves the app alone": killed,
    "a kill during a download": killedInDownload,
    "a long outage of the backend": backendAway,
    "malformed answers never cost an app": wrongAnswer,
    "a move to another project": moved,
  };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(fixture));
});
