/** How fast calls are answered, one after the other and in parallel, and whether heartbeats are still in time. */

import type { AgentProcess } from "../../testbed/agent_process.ts";
import { deviceUri } from "../../../lib/backend/uris.ts";
import { measureUsage } from "../agent_usage.ts";
import { echoUri, listUri, startBareCallee } from "../bare_callee.ts";
import { EngineCalls } from "../engine_calls.ts";
import { percentile, type Samples } from "../results.ts";
import { watchHeartbeats } from "../heartbeats.ts";
import { findPids, percentOf, readUsage, usageBetween } from "../process_usage.ts";
import { timeCalls } from "../raw_caller.ts";
import { type BenchFixture, type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";
import { timeEach } from "../yardsticks.ts";

const appCount = 10;
const callCount = 1_000;
/** Percentiles are taken of each repetition, to show how they vary. */
const repetitions = 2;
const inFlight = 64;
/** Long enough for at least one heartbeat. */
const loadSeconds = 40;

/**
 * Measures the rows of the group `calls`. The caller has a process of its own; the embedded router runs in this one.
 */
export async function measureCalls({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await installApps(fixture, appCount);
  const single = await measureSingle(fixture, say);
  const load = await measureLoad(fixture, agent, say);
  await agent.stop();
  return { ...single, ...load };
}

/** Calls one after the other. */
async function measureSingle({ engine, studio, device }: BenchFixture, say: GroupOptions["say"]): Promise<Samples> {
  const call = async (procedure: string, count: number) =>
    (await timeCalls({ ...studio.login, call: { procedure }, inFlight: 1, limit: { calls: count } })).times;
  const engineCalls = new EngineCalls(engine.socket);
  const listFile = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(listFile, await engineCalls.listContainers());
  await using _callee = await startBareCallee(studio.login, { listFile });
  await Deno.remove(listFile);
  const handshakes: number[][] = [];
  const echoes: number[][] = [];
  const containers: number[][] = [];
  const lists: number[][] = [];
  const answers: number[][] = [];
  for (let count = 1; count <= repetitions; count += 1) {
    say(`calls one after the other, ${count} of ${repetitions}`);
    handshakes.push(await call(deviceUri(device.serial, "device_handshake"), callCount));
    echoes.push(await call(echoUri, callCount));
    containers.push(await call(deviceUri(device.serial, "list_containers"), callCount / 2));
    lists.push(await call(listUri, callCount / 2));
    answers.push(await timeEach(() => engineCalls.listContainers(), callCount / 2));
  }
  const of = (times: number[][], percent: number) => times.map((all) => percentile(all, percent));
  return {
    "calls.handshake.p50": { values: of(handshakes, 50), yardstick: of(echoes, 50) },
    "calls.handshake.p99": { values: of(handshakes, 99), yardstick: of(echoes, 99) },
    "calls.containers.p50": { values: of(containers, 50), yardstick: of(answers, 50) },
    "calls.containers.p99": { values: of(containers, 99), yardstick: of(answers, 99) },
    "calls.list.p50": { values: of(lists, 50) },
    "calls.list.p99": { values: of(lists, 99) },
  };
}

/** Many calls at the same time. */
async function measureLoad(fixture: BenchFixture, agent: AgentProcess, say: GroupOptions["say"]): Promise<Samples> {
  const { studio, device } = fixture;
  say(`${inFlight} calls in flight for ${loadSeconds} s`);
  const call = { procedure: deviceUri(device.serial, "get_storage_data") };
  const order = { ...studio.login, call, inFlight, limit: { seconds: loadSeconds } };
  const routerPids = await findPids(({ pid, command }) => pid === Deno.pid || command.includes("crossbar-"));
  const before = await readUsage(routerPids);
  const work = () => watchHeartbeats(fixture, () => timeCalls(order));
  const { use, result: { lateMs, result } } = await measureUsage(agent, work);
  const router = percentOf(usageBetween(before, await readUsage(routerPids)));
  // Unless the agent was busy, the router and the caller were the bottleneck.
  say(
    `${Math.round(result.perSecond)} calls/s, for which the agent used ${
      Math.round(percentOf(use))
    } % of a processor, ` +
      `the router and Studio ${Math.round(router)} %`,
  );
  return {
    "calls.storage.rate": { values: [result.perSecond] },
    "calls.storage.processor": { values: [use.processorMs / result.times.length * 1_000] },
    "calls.heartbeat": { values: [lateMs] },
  };
}
