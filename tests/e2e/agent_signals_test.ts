// box engine registry crossbar
/** Signals to an agent while it starts and while it runs: it always shuts down cleanly, and its apps keep running. */

import assert from "node:assert/strict";
import { procedures } from "../../lib/handlers/procedures.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentLogLine, AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentFixture } from "./agent_fixture.ts";

/** The number of moments while the runtime loads the program, and after that. */
const moments = { loading: 3, running: 9 };

/** The later moments cover at least this span, and go well beyond the end of a start on this machine. */
const shortestSpanMs = 700;

/** How long a supervisor waits before it kills. */
const endLimitMs = 10_000;

const killedBy = { SIGTERM: 143, SIGINT: 130 } as const;

/** When a signal is sent: counted from the start of the process, or from the first line of its log. */
interface Moment {
  after: "spawn" | "log";
  ms: number;
  signal: keyof typeof killedBy;
}

/** A start that a signal has ended. */
interface Ended extends Moment {
  code: number;
  tookMs: number;
  /** What this start has logged. */
  lines: AgentLogLine[];
}

/** How long a start takes: to the first line of the log, and from there to the end of the boot. */
interface Span {
  loadMs: number;
  bootMs: number;
}

async function endAt(agent: AgentProcess, moment: Moment): Promise<Ended> {
  const before = (await agent.readLog()).length;
  agent.start();
  if (moment.after === "log") await agent.waitForLog(() => true, { afterLine: before });
  await sleep(moment.ms);
  const signaledMs = performance.now();
  agent.signal(moment.signal);
  const code = await agent.waitForExit(endLimitMs);
  const tookMs = performance.now() - signaledMs;
  return { ...moment, code, tookMs, lines: (await agent.readLog()).slice(before) };
}

/** How many messages of a kind were sent or received, from the trace in the log. */
function countMessages(lines: readonly AgentLogLine[], direction: "in" | "out", kind: string): number {
  return lines.filter(({ message, fields }) => {
    return message === "WAMP message" && fields.direction === direction && fields.kind === kind;
  }).length;
}

function assertOrderly(ended: Ended): void {
  const what = `${ended.signal} ${ended.ms} ms after ${ended.after}: code ${ended.code} in ${
    Math.round(ended.tookMs)
  } ms`;
  assert.ok(ended.tookMs < endLimitMs, what);
  // Before the program is loaded, the kernel handles the signal.
  if (ended.lines.length === 0) assert.ok(ended.code === 0 || ended.code === killedBy[ended.signal], what);
  else assert.equal(ended.code, 0, what);
  assert.deepEqual(ended.lines.filter(({ level }) => ["error", "fatal", "unreadable"].includes(level)), [], what);
  const sessions = countMessages(ended.lines, "in", "WELCOME");
  const goodbyes = [countMessages(ended.lines, "out", "GOODBYE"), countMessages(ended.lines, "in", "GOODBYE")];
  assert.deepEqual(goodbyes, [sessions, sessions], `${what}: GOODBYE sent and answered`);
}

/** Prepares a device with a running app, whose agent has ended. */
async function prepare(
  fixture: AgentFixture,
  app: string,
): Promise<{ device: AddedDevice; agent: AgentProcess; span: Span }> {
  await fixture.publish(app, "1", { tickMs: 500 });
  const device = fixture.addDevice();
  const startedMs = performance.now();
  const agent = await fixture.startAgent(device, { args: ["-debugMessaging"] });
  await agent.waitForLog("Command line");
  const loadMs = performance.now() - startedMs;
  await fixture.studio.waitForStatus(device, "CONNECTED");
  const bootMs = Math.max(shortestSpanMs, (performance.now() - startedMs - loadMs) * 1.3);
  await fixture.studio.request(device, app, { target: "RUNNING" });
  await fixture.studio.waitForReport(device, { appName: app, state: "RUNNING" });
  assert.equal(await agent.stop(), 0);
  return { device, agent, span: { loadMs, bootMs } };
}

async function signalAtAllMoments(agent: AgentProcess, { loadMs, bootMs }: Span): Promise<Ended[]> {
  const { loading, running } = moments;
  const early = Array.from(
    { length: loading },
    (_, index) => ({ after: "spawn", ms: loadMs * index / loading } as const),
  );
  const late = Array.from(
    { length: running },
    (_, index) => ({ after: "log", ms: bootMs * index / (running - 1) } as const),
  );
  const all: Ended[] = [];
  for (const [index, { after, ms }] of [...early, ...late].entries()) {
    const signal = index % 2 === 0 ? "SIGTERM" : "SIGINT";
    all.push(await endAt(agent, { after, ms: Math.round(ms), signal }));
  }
  for (const ended of all) assertOrderly(ended);
  return all;
}

async function routerUp(fixture: AgentFixture): Promise<void> {
  const { device, agent, span } = await prepare(fixture, "Up");
  await using _agent = agent;
  const container = await fixture.inspect("Up");
  const all = await signalAtAllMoments(agent, span);
  assert.ok(
    all.some(({ lines }) => countMessages(lines, "in", "WELCOME") > 0),
    "no signal was sent while a session was open",
  );
  assert.equal(await fixture.inspect("Up"), container, "the app has another container");
  assert.equal(await fixture.inspect("Up", "{{.State.Status}}"), "running");
  // Nothing is left that would block the next start.
  assert.deepEqual(await fixture.procedures(device), []);
}

async function routerDown(fixture: AgentFixture): Promise<void> {
  const { agent, span } = await prepare(fixture, "Down");
  await using _agent = agent;
  const container = await fixture.inspect("Down");
  await fixture.stopStudio();
  await fixture.crossbar.stop();
  try {
    const all = await signalAtAllMoments(agent, span);
    assert.ok(
      all.some(({ lines }) => lines.some(({ message }) => message === "Cannot connect")),
      "no agent has tried to connect",
    );
  } finally {
    await fixture.crossbar.start();
    await fixture.startStudio();
  }
  assert.equal(await fixture.inspect("Down"), container, "the app has another container");
  assert.equal(await fixture.inspect("Down", "{{.State.Status}}"), "running");
}

async function engineDown(fixture: AgentFixture): Promise<void> {
  const { agent, span } = await prepare(fixture, "Out");
  await using _agent = agent;
  const container = await fixture.inspect("Out");
  await fixture.engine.kill();
  try {
    await signalAtAllMoments(agent, span);
  } finally {
    await fixture.engine.start();
  }
  assert.equal(await fixture.inspect("Out"), container, "the app has another container");
  assert.equal(await fixture.inspect("Out", "{{.State.Status}}"), "running");
}

async function secondSignal(fixture: AgentFixture): Promise<void> {
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  // A frozen router delays the GOODBYE.
  await fixture.crossbar.freeze();
  try {
    agent.signal("SIGTERM");
    await agent.waitForLog("The agent ends");
    await sleep(300);
    assert.notEqual(agent.pid, undefined);
    agent.signal("SIGTERM");
    // An end in order would be 0, after the GOODBYE.
    assert.equal(await agent.waitForExit(), 143);
  } finally {
    fixture.crossbar.thaw();
  }
}

async function duringPull(fixture: AgentFixture): Promise<void> {
  await fixture.publish("Slow", "1", { sizeMb: 20, tickMs: 500 });
  const device = fixture.addDevice();
  await using agent = await fixture.startAgent(device);
  await fixture.studio.waitForStatus(device, "CONNECTED");
  await fixture.registry.freeze();
  try {
    await fixture.studio.request(device, "Slow", { target: "RUNNING" });
    await fixture.studio.waitForReport(device, { appName: "Slow", state: "STARTING" });
    await sleep(500);
    const startedMs = performance.now();
    assert.equal(await agent.stop(endLimitMs), 0);
    assert.ok(performance.now() - startedMs < endLimitMs);
  } finally {
    fixture.registry.thaw();
  }
  agent.start();
  await fixture.studio.waitForReport(device, { appName: "Slow", state: "RUNNING" });
  assert.equal((await fixture.procedures(device)).length, procedures.length + 1);
  await pollUntil("the app runs", async () => await fixture.inspect("Slow") !== undefined || undefined);
  assert.equal(await agent.stop(), 0);
}

Deno.test("signals shut an agent down cleanly", async (test) => {
  await using fixture = await AgentFixture.start({ engine: { liveRestore: true } });
  const cases: Record<string, (fixture: AgentFixture) => Promise<void>> = {
    "at twelve moments of a start": routerUp,
    "at twelve moments of a start without a router": routerDown,
    "at twelve moments of a start without an engine": engineDown,
    "a second signal ends it at once": secondSignal,
    "during a download, which starts again with the next start": duringPull,
  };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(fixture));
});
