/** Measures one program on a stage: its starts without and with apps, its memory, and its answers. */

import { AgentProcess } from "../../tests/parts/agent_process.ts";
import { runProgram } from "../../tests/parts/background.ts";
import type { BenchWish } from "./arguments.ts";
import { type FigureName, percentile, type Program, type Samples } from "./figures.ts";
import { installApps, type Stage, startStage } from "./stage.ts";
import { measureEngine, timeEach } from "./yardsticks.ts";

/** What one program brought. */
export interface Measured {
  samples: Samples;
  engine: { p50Ms: number; p99Ms: number };
}

/** Where the programs are, as the agent of the tests is told. */
const files: Readonly<Record<Program, string>> = { source: "main.ts", bundle: "build/reagent.js" };

const appCount = 10;
const callCount = 1_000;
const root = new URL("../..", import.meta.url).pathname;

/** Measures a program on a stage of its own. `say` tells what is going on. */
export async function measureProgram(
  program: Program,
  wish: BenchWish,
  say: (text: string) => void,
): Promise<Measured> {
  await using stage = await startStage(wish.router);
  // The first start makes the folders and the database and fills caches; it does not count.
  await using agent = await AgentProcess.start({
    flock: stage.device.flock,
    program: root + files[program],
    env: { DOCKER_HOST: stage.engine.host },
  });
  await stage.studio.waitForStatus(stage.device, "CONNECTED", { limitMs: 60_000 });
  const bare: StartTimes[] = [];
  for (let start = 1; start <= wish.starts; start += 1) {
    bare.push(await restart(agent, stage));
    say(`${program}, 0 apps, start ${start}: ${startText(bare.at(-1))}`);
  }
  await installApps(stage, appCount);
  const loaded: LoadedStart[] = [];
  for (let start = 1; start <= wish.starts; start += 1) {
    loaded.push(await measureLoaded(agent, stage, wish));
    say(`${program}, ${appCount} apps, start ${start}: ${startText(loaded.at(-1))}`);
  }
  const engine = await measureEngine(stage.engine.socket, callCount);
  await agent.stop();
  return { samples: samplesOf(bare, loaded), engine };
}

interface StartTimes {
  firstStatusMs: number;
  connectedMs: number;
  /** Of all processors together, from the launch until CONNECTED. */
  processorMs: number;
}

interface LoadedStart extends StartTimes {
  rssMib: number;
  handshakeMs: number[];
  containersMs: number[];
}

/** Ends the agent, starts it again and waits until it has reported itself as connected. */
async function restart(agent: AgentProcess, { studio, device }: Stage): Promise<StartTimes> {
  await agent.stop();
  await studio.waitForStatus(device, "DISCONNECTED");
  const beganMs = performance.now();
  const seen: { firstMs?: number } = {};
  agent.start();
  const connectedMs = await studio.waitFor("the device is CONNECTED", () => {
    const { status } = studio.device(device);
    if (status === "DISCONNECTED") return undefined;
    seen.firstMs ??= performance.now() - beganMs;
    return status === "CONNECTED" ? performance.now() - beganMs : undefined;
  });
  return { firstStatusMs: seen.firstMs ?? connectedMs, connectedMs, processorMs: await readProcessorMs(agent) };
}

async function measureLoaded(agent: AgentProcess, stage: Stage, wish: BenchWish): Promise<LoadedStart> {
  const times = await restart(agent, stage);
  await new Promise((resolve) => setTimeout(resolve, wish.settleSeconds * 1_000));
  const rssMib = await readRssMib(agent);
  const call = (procedure: string) => () => stage.studio.call(stage.device, procedure);
  const handshakeMs = await timeEach(call("device_handshake"), callCount);
  const containersMs = await timeEach(call("list_containers"), callCount);
  return { ...times, rssMib, handshakeMs, containersMs };
}

/** What of the process is in memory. */
async function readRssMib(agent: AgentProcess): Promise<number> {
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(await readProcess(agent, "status"))?.[1]);
  if (!(kib > 0)) throw new Error("Cannot read the memory of the agent");
  return kib / 1024;
}

/** What the process has used so far; the system counts in steps of 10 ms. */
async function readProcessorMs(agent: AgentProcess): Promise<number> {
  // Its name, in brackets, is the second field and may hold spaces.
  const fields = (await readProcess(agent, "stat")).replace(/^.*\) /, "").split(" ");
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  if (!(userTicks + systemTicks > 0)) throw new Error("Cannot read the processor time of the agent");
  return (userTicks + systemTicks) * 10;
}

/** The runtime itself reads /proc only with all permissions. */
async function readProcess({ pid }: AgentProcess, name: string): Promise<string> {
  return (await runProgram("cat", [`/proc/${pid}/${name}`])).stdout;
}

function samplesOf(bare: readonly StartTimes[], loaded: readonly LoadedStart[]): Samples {
  const samples: Record<FigureName, readonly number[]> = {
    "launch → first status, 0 apps": bare.map(({ firstStatusMs }) => firstStatusMs),
    "launch → CONNECTED, 0 apps": bare.map(({ connectedMs }) => connectedMs),
    "processor time until CONNECTED, 0 apps": bare.map(({ processorMs }) => processorMs),
    "launch → first status, 10 apps": loaded.map(({ firstStatusMs }) => firstStatusMs),
    "launch → CONNECTED, 10 apps": loaded.map(({ connectedMs }) => connectedMs),
    "processor time until CONNECTED, 10 apps": loaded.map(({ processorMs }) => processorMs),
    "idle memory (RSS), 10 apps": loaded.map(({ rssMib }) => rssMib),
    "device_handshake, p50": loaded.map(({ handshakeMs }) => percentile(handshakeMs, 50)),
    "device_handshake, p99": loaded.map(({ handshakeMs }) => percentile(handshakeMs, 99)),
    "list_containers, p50": loaded.map(({ containersMs }) => percentile(containersMs, 50)),
    "list_containers, p99": loaded.map(({ containersMs }) => percentile(containersMs, 99)),
  };
  return samples;
}

function startText(times: StartTimes | LoadedStart | undefined): string {
  if (times === undefined) return "nothing";
  const start = `first status ${Math.round(times.firstStatusMs)} ms, CONNECTED ${Math.round(times.connectedMs)} ms, ` +
    `processor time ${times.processorMs} ms`;
  return "rssMib" in times ? `${start}, ${times.rssMib.toFixed(1)} MiB` : start;
}
