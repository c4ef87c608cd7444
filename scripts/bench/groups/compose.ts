/** Compose apps: a run and an update next to what compose and the engine need alone, a cancel, a boot, and memory. */

import { sleep } from "../../testbed/wait.ts";
import { readRssMib } from "../agent_usage.ts";
import { CommandCounter } from "../command_counter.ts";
import {
  addComposeRelease,
  definitionOf,
  imageOf,
  installComposeApps,
  projectOf,
  publishService,
  publishServices,
  services,
} from "../compose_apps.ts";
import { CountingSocket } from "../counting_socket.ts";
import { downtimeMs, engineTime, readDowntime, readEvents, switchByEngine } from "../downtime.ts";
import {
  type BenchFixture,
  firstVersion,
  type GroupOptions,
  installApps,
  startAgent,
  startFixture,
  untilApps,
} from "../fixture.ts";
import { measureReconciliation, resultText, watchAnswers } from "../reconciliation.ts";
import type { Samples } from "../results.ts";
import { SlowRelay } from "../slow_relay.ts";
import { timeOf } from "../yardsticks.ts";

const app = "shop";
const runs = 5;
const updates = 3;
/** 32 Mbit/s. */
const slowBytesPerSecond = 4_000_000;
const largeMb = 20;
const updateLimitMs = 60_000;
const manyProjects = 20;
const boots = 2;
const mixed = { apps: 10, projects: 5 };
const settleMs = 5_000;
const idleMs = 60_000;

/** Measures the rows of the group `compose`. */
export async function measureCompose(work: GroupOptions): Promise<Samples> {
  return {
    ...await measureRuns(work),
    ...await measureUpdates(work),
    ...await measureBoots(work),
    ...await measureMemory(work),
  };
}

/** Starts an app whose images are on the device, in turns with compose alone. */
async function measureRuns({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  const { studio, device } = fixture;
  await using agent = await startAgent(fixture, setting.program);
  await publishServices(fixture);
  addComposeRelease(fixture, app, { version: firstVersion, definition: definitionOf(studio.registryHost) });
  const request = async (target: "PRESENT" | "RUNNING") => {
    await studio.request(device, app, { target });
    await untilApps(fixture, { names: [app], state: target });
  };
  await request("PRESENT");
  const [values, yardstick]: [number[], number[]] = [[], []];
  // The first run fills caches.
  for (let run = 0; run <= runs; run += 1) {
    const aloneMs = await runByCompose(fixture);
    const agentMs = await timeOf(() => request("RUNNING"));
    await request("PRESENT");
    say(`run: ${Math.round(agentMs)} ms, compose alone ${Math.round(aloneMs)} ms`);
    if (run === 0) continue;
    values.push(agentMs);
    yardstick.push(aloneMs);
  }
  await agent.stop();
  return { "compose.run": { values, yardstick } };
}

async function runByCompose({ engine, studio }: BenchFixture): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "b-" });
  try {
    await Deno.writeTextFile(`${folder}/compose.json`, JSON.stringify(definitionOf(studio.registryHost)));
    const compose = (...args: string[]) =>
      engine.docker("compose", "-p", "alone", "-f", `${folder}/compose.json`, ...args);
    const ms = await timeOf(() => compose("up", "-d", "--wait"));
    await compose("down");
    return ms;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Each update replaces the image of one service; also cancels one while it pulls. */
async function measureUpdates({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  const { engine, studio, device } = fixture;
  const port = Number(studio.registryHost.split(":")[1]);
  await using relay = SlowRelay.listen({ port, bytesPerSecond: slowBytesPerSecond });
  await using agent = await startAgent(fixture, setting.program, { registryHost: relay.host });
  await publishServices(fixture);
  const release = async (version: string) => {
    await publishService(fixture, "web", { version, sizeMb: largeMb });
    addComposeRelease(fixture, app, { version, definition: definitionOf(relay.host, { web: version }) });
  };
  addComposeRelease(fixture, app, { version: firstVersion, definition: definitionOf(relay.host) });
  await studio.request(device, app, { target: "RUNNING" });
  await untilApps(fixture, { names: [app], state: "RUNNING" });
  const changed: { values: number[]; yardstick: number[] } = { values: [], yardstick: [] };
  const others: number[] = [];
  for (let count = 1; count <= updates; count += 1) {
    const version = `1.0.${count}`;
    await release(version);
    const since = engineTime();
    const ms = await timeOf(() => update(fixture, version));
    const [own, kept] = await readDowntimes(fixture, since);
    changed.values.push(own);
    changed.yardstick.push(await switchByEngine(engine, imageOf("web", { host: relay.host, version })));
    others.push(kept);
    const alone = Math.round(changed.yardstick.at(-1) ?? 0);
    say(`update of ${Math.round(ms)} ms: down for ${Math.round(own)} ms, the engine alone ${alone} ms; others ${kept}`);
  }
  await release("2.0.0");
  const cancelMs = await cancelPull(fixture);
  say(`cancel of a pull: ${Math.round(cancelMs)} ms`);
  await agent.stop();
  return {
    "compose.update.changed": changed,
    "compose.update.others": { values: others },
    "compose.cancel.pull": { values: [cancelMs] },
  };
}

async function update({ studio, device }: BenchFixture, version: string): Promise<void> {
  await studio.request(device, app, { update: true, version });
  const isUpdated = () => {
    const known = studio.apps(device).find(({ appName }) => appName === app);
    return known?.presentVersion === version && known.current === "RUNNING" || undefined;
  };
  await studio.waitFor(`${app} ${version} runs`, isUpdated, { limitMs: updateLimitMs });
}

/** How long the service that has changed was away, and the longest of the others; a signal without a start is NaN. */
async function readDowntimes(fixture: BenchFixture, since: string): Promise<[changed: number, others: number]> {
  const filtersOf = (service: string) => [
    `label=com.docker.compose.project=${projectOf(fixture, app)}`,
    `label=com.docker.compose.service=${service}`,
  ];
  const [first, ...rest] = services;
  const changed = await readDowntime(fixture.engine, { since, filters: filtersOf(first) });
  const others = await Promise.all(rest.map(async (service) => {
    const events = await readEvents(fixture.engine, { since, filters: filtersOf(service) });
    return events.trim() === "" ? 0 : downtimeMs(events) ?? NaN;
  }));
  return [changed, Math.max(...others)];
}

/** Cancels an update in the middle of its pull, until what was asked for instead begins: the app stops. */
async function cancelPull({ studio, device }: BenchFixture): Promise<number> {
  const { after } = await studio.request(device, app, { update: true, version: "2.0.0" });
  await studio.waitForReport(device, { state: "UPDATING" }, { after });
  await sleep(2_000);
  return await timeOf(async () => {
    const { after } = await studio.request(device, app, { target: "PRESENT", kwargs: { request_update: false } });
    await studio.waitForReport(device, { state: "STOPPING" }, { after });
  });
}

/** Starts an agent whose projects all run. */
async function measureBoots({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using socket = CountingSocket.listen(fixture.engine.socket);
  await using counter = await CommandCounter.start();
  const routes = { engineHost: socket.host, env: { PATH: counter.path } };
  await using agent = await startAgent(fixture, setting.program, routes);
  say(`installing ${manyProjects} compose apps of ${services.length} services`);
  await publishServices(fixture);
  await installComposeApps(fixture, manyProjects);
  const observed = { fixture, socket, answers: await watchAnswers(fixture), appCount: manyProjects };
  const [ms, calls, streams, commands]: number[][] = [[], [], [], []];
  for (let count = 1; count <= boots; count += 1) {
    await agent.stop();
    await fixture.studio.waitForStatus(fixture.device, "DISCONNECTED");
    const before = (await counter.commands()).length;
    const result = await measureReconciliation(observed, () => agent.start());
    const started = (await counter.commands()).slice(before);
    say(`start ${count}: ${resultText(result)}; commands: ${started.join("; ") || "none"}`);
    const followed = result.kinds.get("GET /containers/{}/logs") ?? 0;
    ms?.push(result.ms);
    calls?.push(result.calls - followed);
    streams?.push(followed);
    commands?.push(started.length);
  }
  await agent.stop();
  return {
    "compose.reconcile.ms": { values: ms ?? [] },
    "compose.reconcile.calls": { values: calls ?? [] },
    "compose.reconcile.streams": { values: streams ?? [] },
    "compose.reconcile.commands": { values: commands ?? [] },
  };
}

/** As `memory`, with apps of both kinds. */
async function measureMemory({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, mixed.apps);
  await fixture.engine.importBusybox();
  await publishServices(fixture);
  await installComposeApps(fixture, mixed.projects);
  await agent.stop();
  await fixture.studio.waitForStatus(fixture.device, "DISCONNECTED");
  agent.start();
  await fixture.studio.waitForStatus(fixture.device, "CONNECTED", { limitMs: 60_000 });
  say(`idle for ${(settleMs + idleMs) / 1_000} s`);
  await sleep(settleMs + idleMs);
  const rssMib = await readRssMib(agent);
  await agent.stop();
  return { "compose.rss": { values: [rssMib] } };
}
