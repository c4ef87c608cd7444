/** How fast the agent answers, alone and under load. */

import type { AgentProcess } from "../../../tests/parts/agent_process.ts";
import { measureProcessor } from "../agent_figures.ts";
import { echoUri, startBareCallee } from "../bare_callee.ts";
import { EngineCalls } from "../engine_calls.ts";
import { percentile, type Samples } from "../figures.ts";
import { watchBeats } from "../heartbeats.ts";
import { type GroupWork, installApps, type Stage, startAgent, startStage } from "../stage.ts";
import { timeEach } from "../yardsticks.ts";

const appCount = 10;
const callCount = 1_000;
/** Percentiles are taken of each part, so that the spread shows. */
const parts = 2;
const inFlight = 64;
const loadMs = 40_000;

interface Load {
  perSecond: number;
  latestBeatMs: number;
  /** Of one processor. */
  agentPercent: number;
  /** Of the agent, for one call. */
  processorMs: number;
}

/** Measures the rows of the group `calls`. */
export async function measureCalls({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  await installApps(stage, appCount);
  const call = (procedure: string) => () => stage.studio.call(stage.device, procedure);
  const engine = new EngineCalls(stage.engine.socket);
  const echo = () => stage.studio.backend.call(echoUri);
  await using _callee = await startBareCallee(stage.studio.login);
  const handshakes: number[][] = [];
  const echoes: number[][] = [];
  const containers: number[][] = [];
  const answers: number[][] = [];
  for (let part = 1; part <= parts; part += 1) {
    say(`calls one after the other, part ${part} of ${parts}`);
    handshakes.push(await timeEach(call("device_handshake"), callCount));
    echoes.push(await timeEach(echo, callCount));
    containers.push(await timeEach(call("list_containers"), callCount / 2));
    answers.push(await timeEach(() => engine.listContainers(), callCount / 2));
  }
  say(`${inFlight} calls in flight for ${loadMs / 1_000} s`);
  const load = await measureLoad(stage, agent);
  // Where the agent was not busy, router and caller were what stood in the way.
  say(
    `${Math.round(load.perSecond)} calls/s, for which the agent used ${Math.round(load.agentPercent)} % of a processor`,
  );
  await agent.stop();
  const of = (times: number[][], percent: number) => times.map((all) => percentile(all, percent));
  return {
    "calls.handshake.p50": { values: of(handshakes, 50), yardstick: of(echoes, 50) },
    "calls.handshake.p99": { values: of(handshakes, 99), yardstick: of(echoes, 99) },
    "calls.containers.p50": { values: of(containers, 50), yardstick: of(answers, 50) },
    "calls.containers.p99": { values: of(containers, 99), yardstick: of(answers, 99) },
    "calls.storage.rate": { values: [load.perSecond] },
    "calls.storage.processor": { values: [load.processorMs * 1_000] },
    "calls.heartbeat": { values: [load.latestBeatMs] },
  };
}

/** Keeps so many calls on the way, long enough for one heartbeat at least. */
async function measureLoad(stage: Stage, agent: AgentProcess): Promise<Load> {
  const { studio, device } = stage;
  const beganMs = performance.now();
  const isOver = () => performance.now() - beganMs > loadMs;
  let count = 0;
  const caller = async () => {
    for (; !isOver(); count += 1) await studio.call(device, "get_storage_data");
  };
  const callers = () => Promise.all(Array.from({ length: inFlight }, caller));
  const [latestBeatMs, { percent }] = await Promise.all([watchBeats(stage, isOver), measureProcessor(agent, callers)]);
  const perSecond = count / (performance.now() - beganMs) * 1_000;
  return { perSecond, latestBeatMs, agentPercent: percent, processorMs: percent * 10 / perSecond };
}
