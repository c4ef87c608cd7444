// box engine registry crossbar
/** Signals to an agent at every moment of its start and while it runs: it always ends, in order, and its apps go on. */

import assert from "node:assert/strict";
import { procedures } from "../../lib/handlers/procedures.ts";
import type { AddedDevice } from "../../scripts/studio/studio.ts";
import type { AgentLogLine, AgentProcess } from "../../scripts/testbed/agent_process.ts";
import { pollUntil, sleep } from "../../scripts/testbed/wait.ts";
import { AgentWorld } from "./agent_world.ts";

/** So many moments before the program itself has begun, while the runtime loads it, and so many after that. */
const moments = { loading: 3, running: 9 };

/** The later moments reach at least to this, and well beyond the end of a start on this machine. */
const shortestSpanMs = 700;

/** What a supervisor waits for before it kills. */
const endLimitMs = 10_000;

const killedBy = { SIGTERM: 143, SIGINT: 130 } as const;

/** When a signal comes: so long after the start of the process, or after the first line of its log. */
interface Moment {
  after: "spawn" | "log";
  ms: number;
  signal: keyof typeof killedBy;
}

/** One start that was ended by a signal. */
interface Ended extends Moment {
  code: number;
  tookMs: number;
  /** What this start has written. */
  lines: AgentLogLine[];
}

/** How long a start takes, up to the first line of the log and from there to the end of the boot. */
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

/** How often a message of this kind went this way, by the trace in the log. */
function count(lines: readonly AgentLogLine[], direction: "in" | "out", kind: string): number {
  return lines.filter(({ message, fields }) => {
    return message === "WAMP message" && fields.direction === direction && fields.kind === kind;
  }).length;
}

function assertOrderly(ended: Ended): void {
  const what = `${ended.signal} ${ended.ms} ms after ${ended.after}: code ${ended.code} in ${
    Math.round(ended.tookMs)
  } ms`;
  assert.ok(ended.tookMs < endLimitMs, what);
  // Before the log is there, the program is not, and the kernel has its way.
  if (ended.lines.length === 0) assert.ok(ended.code === 0 || ended.code === killedBy[ended.signal], what);
  else assert.equal(ended.code, 0, what);
  assert.deepEqual(ended.lines.filter(({ level }) => ["error", "fatal", "unreadable"].includes(level)), [], what);
  const sessions = count(ended.lines, "in", "WELCOME");
  const goodbyes = [count(ended.lines, "out", "GOODBYE"), count(ended.lines, "in", "GOODBYE")];
  assert.deepEqual(goodbyes, [sessions, sessions], `${what}: GOODBYE sent and answered`);
}

/** A device whose app runs, and its agent, which has ended. */
async function prepare(
  world: AgentWorld,
  app: string,
): Promise<{ device: AddedDevice; agent: AgentProcess; span: Span }> {
  await world.publish(app, "1", { tickMs: 500 });
  const device = world.addDevice();
  const startedMs = performance.now();
  const agent = await world.startAgent(device, { args: ["-debugMessaging"] });
  await agent.waitForLog("Command line");
  const loadMs = performance.now() - startedMs;
  await world.studio.waitForStatus(device, "CONNECTED");
  const bootMs = Math.max(shortestSpanMs, (performance.now() - startedMs - loadMs) * 1.3);
  await world.studio.request(device, app, { target: "RUNNING" });
  await world.studio.waitForReport(device, { appName: app, state: "RUNNING" });
  assert.equal(await agent.stop(), 0);
  return { device, agent, span: { loadMs, bootMs } };
}

async function endAtAllMoments(agent: AgentProcess, { loadMs, bootMs }: Span): Promise<Ended[]> {
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

async function routerUp(world: AgentWorld): Promise<void> {
  const { device, agent, span } = await prepare(world, "Up");
  await using _agent = agent;
  const container = await world.inspect("Up");
  const all = await endAtAllMoments(agent, span);
  assert.ok(all.some(({ lines }) => count(lines, "in", "WELCOME") > 0), "no signal came while a session was up");
  assert.equal(await world.inspect("Up"), container, "the app was touched");
  assert.equal(await world.inspect("Up", "{{.State.Status}}"), "running");
  // Nothing is left that would keep the next start from its place.
  assert.deepEqual(await world.procedures(device), []);
}

async function routerDown(world: AgentWorld): Promise<void> {
  const { agent, span } = await prepare(world, "Down");
  await using _agent = agent;
  const container = await world.inspect("Down");
  await world.endStudio();
  await world.crossbar.stop();
  try {
    const all = await endAtAllMoments(agent, span);
    assert.ok(all.some(({ lines }) => lines.some(({ message }) => message === "Cannot connect")), "nobody dialled");
  } finally {
    await world.crossbar.start();
    await world.startStudio();
  }
  assert.equal(await world.inspect("Down"), container, "the app was touched");
  assert.equal(await world.inspect("Down", "{{.State.Status}}"), "running");
}

async function engineDown(world: AgentWorld): Promise<void> {
  const { agent, span } = await prepare(world, "Out");
  await using _agent = agent;
  const container = await world.inspect("Out");
  await world.engine.kill();
  try {
    await endAtAllMoments(agent, span);
  } finally {
    await world.engine.start();
  }
  assert.equal(await world.inspect("Out"), container, "the app was touched");
  assert.equal(await world.inspect("Out", "{{.State.Status}}"), "running");
}

async function secondSignal(world: AgentWorld): Promise<void> {
  const device = world.addDevice();
  await using agent = await world.startAgent(device);
  await world.studio.waitForStatus(device, "CONNECTED");
  // A router that stands still keeps the farewell waiting.
  await world.crossbar.freeze();
  try {
    agent.signal("SIGTERM");
    await agent.waitForLog("The agent ends");
    await sleep(300);
    assert.notEqual(agent.pid, undefined);
    const startedMs = performance.now();
    agent.signal("SIGTERM");
    assert.equal(await agent.waitForExit(), 143);
    assert.ok(performance.now() - startedMs < 1_000);
  } finally {
    world.crossbar.thaw();
  }
}

async function duringPull(world: AgentWorld): Promise<void> {
  await world.publish("Slow", "1", { sizeMb: 20, tickMs: 500 });
  const device = world.addDevice();
  await using agent = await world.startAgent(device);
  await world.studio.waitForStatus(device, "CONNECTED");
  await world.registry.freeze();
  try {
    await world.studio.request(device, "Slow", { target: "RUNNING" });
    await world.studio.waitForReport(device, { appName: "Slow", state: "STARTING" });
    await sleep(500);
    const startedMs = performance.now();
    assert.equal(await agent.stop(endLimitMs), 0);
    assert.ok(performance.now() - startedMs < endLimitMs);
  } finally {
    world.registry.thaw();
  }
  agent.start();
  await world.studio.waitForReport(device, { appName: "Slow", state: "RUNNING" });
  assert.equal((await world.procedures(device)).length, procedures.length + 1);
  await pollUntil("the app runs", async () => await world.inspect("Slow") !== undefined || undefined);
  assert.equal(await agent.stop(), 0);
}

Deno.test("signals end an agent in order", async (test) => {
  await using world = await AgentWorld.start({ engine: { liveRestore: true } });
  const cases: Record<string, (world: AgentWorld) => Promise<void>> = {
    "at twelve moments of a start": routerUp,
    "at twelve moments of a start without a router": routerDown,
    "at twelve moments of a start without an engine": engineDown,
    "a second signal ends at once": secondSignal,
    "in the middle of a download, which begins anew with the next start": duringPull,
  };
  for (const [name, run] of Object.entries(cases)) await test.step(name, () => run(world));
});
