/**
 * `deno run -P=tools scripts/bench/throughput.ts [--router embedded|crossbar] [--program FILE] [--in-flight N] [--seconds N]
 * [--procedure NAME] [--apps N] [--profile FILE]`: calls one after the other and many at a time, from a caller in a process of its own, on a real
 * agent. Prints times, calls per second, how late heartbeats were, and which process was busy. Needs root, on Linux.
 */

import { AgentProcess } from "../../tests/parts/agent_process.ts";
import { Box, sweepBoxes } from "../../tests/parts/box.ts";
import { installParts } from "../setup.ts";
import type { RouterName } from "./rows.ts";
import { Beats } from "./beats.ts";
import { percentile } from "./figures.ts";
import { readUse, type Use, usedBetween } from "./process_use.ts";
import { type CallerSeen, runCaller } from "./raw_caller.ts";
import { installApps, startStage } from "./stage.ts";

/** What is measured. */
export interface ThroughputWish {
  router: RouterName;
  /** The agent: `main.ts`, or the bundle. */
  program: string;
  procedure: string;
  inFlight: number;
  seconds: number;
  /** Apps that run on the device and do nothing. */
  apps: number;
  /** Where the agent's CPU profile of the load goes; empty for none. */
  profile: string;
}

/** What was seen. */
export interface ThroughputMeasured {
  /** Milliseconds of each `device_handshake`, one after the other. */
  handshakeMs: number[];
  load: CallerSeen;
  /** The longest time between two status reports, beyond the pause between them; 0 when fewer than two came. */
  heartbeatLateMs: number;
  heartbeats: number;
  /** Of the load alone. The embedded router runs in this process. */
  agent: Use;
  router: Use;
}

const root = new URL("../..", import.meta.url).pathname;
const usage = "Usage: deno run -P=tools scripts/bench/throughput.ts [--router embedded|crossbar] [--program FILE] " +
  "[--in-flight N] [--seconds N] [--procedure NAME] [--apps N] [--profile FILE]";
const handshakes = 2_000;
const profilingPort = 9_300;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const wish = readWish(args);
  if (wish === undefined) {
    print(usage);
    return 2;
  }
  if (Deno.env.get("REAGENT_BOX") === "1") {
    print(renderThroughput(wish, await measureThroughput(wish)));
    return 0;
  }
  const missing = await installParts((text) => print(`setup: ${text}`));
  const lacks = [...missing].filter(([name]) => ["box", "engine", "registry", wish.router].includes(name));
  for (const [name, reason] of lacks) print(`Cannot measure without ${name}: ${reason}`);
  if (lacks.length > 0) return 1;
  await sweepBoxes();
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "scripts/bench/throughput.ts", ...args];
  await using box = await Box.start([Deno.execPath(), ...command], { cwd: root });
  return (await box.status).code;
}

/** Measures in a box, on parts of its own. */
export async function measureThroughput(wish: ThroughputWish): Promise<ThroughputMeasured> {
  await using stage = await startStage(wish.router);
  await using agent = await AgentProcess.start({
    flock: stage.device.flock,
    program: root + wish.program,
    args: wish.profile === "" ? [] : ["-profiling", "-profilingPort", String(profilingPort)],
    env: { DOCKER_HOST: stage.engine.host },
  });
  await stage.studio.waitForStatus(stage.device, "CONNECTED", { limitMs: 60_000 });
  if (wish.apps > 0) await installApps(stage, wish.apps);
  const { login } = stage.studio;
  const order = { ...login };
  const uri = (name: string) => `re.mgmt.${stage.device.serial}.${name}`;
  const handshake = await runCaller({
    ...order,
    calls: [{ procedure: uri("device_handshake") }],
    inFlight: 1,
    limit: { calls: handshakes },
  });
  await using beats = new Beats(stage);
  const before = await readUses(agent);
  const profiling = wish.profile === "" ? undefined : saveProfile(wish);
  const load = await runCaller({
    ...order,
    calls: [{ procedure: uri(wish.procedure) }],
    inFlight: wish.inFlight,
    limit: { seconds: wish.seconds },
  });
  const after = await readUses(agent);
  await profiling;
  for (const { errors, firstError } of load.calls) {
    if (errors > 0) throw new Error(`${errors} calls failed, the first with ${firstError}`);
  }
  return {
    handshakeMs: handshake.calls.flatMap(({ times }) => times),
    load,
    heartbeatLateMs: beats.lateMs,
    heartbeats: beats.count,
    agent: usedBetween(before.agent, after.agent),
    router: usedBetween(before.router, after.router),
  };
}

async function readUses(agent: AgentProcess): Promise<{ agent: Use; router: Use }> {
  const [ofAgent, router] = await Promise.all([
    readUse(({ pid }) => pid === agent.pid),
    readUse(({ pid, command }) => pid === Deno.pid || command.includes("crossbar-")),
  ]);
  return { agent: ofAgent, router };
}

async function saveProfile({ seconds, profile }: ThroughputWish): Promise<void> {
  const address = `http://127.0.0.1:${profilingPort}/debug/pprof/profile?seconds=${Math.max(1, seconds - 2)}`;
  const answer = await fetch(address);
  await Deno.writeTextFile(profile, await answer.text());
}

function renderThroughput(wish: ThroughputWish, seen: ThroughputMeasured): string {
  const times = seen.load.calls.flatMap(({ times }) => times);
  const use = ({ processorMs, overMs, rssMib }: Use) =>
    `${Math.round(100 * processorMs / overMs)} % of a processor, ${
      Math.round(1_000 * processorMs / times.length)
    } µs a call, ${Math.round(rssMib)} MiB`;
  const quantiles = (all: readonly number[]) =>
    [50, 99, 100].map((percent) =>
      `${percent === 100 ? "max" : `p${percent}`} ${percentile(all, percent).toFixed(2)} ms`
    )
      .join(", ");
  return [
    `${wish.program}, ${wish.router} router, load ${Deno.loadavg()[0]?.toFixed(1)}`,
    `device_handshake, one at a time: ${quantiles(seen.handshakeMs)}`,
    `${wish.procedure}, ${wish.inFlight} in flight: ${Math.round(seen.load.callsPerSecond)} calls/s, ${
      quantiles(times)
    }`,
    `heartbeats: ${seen.heartbeats} seen, late by up to ${Math.round(seen.heartbeatLateMs)} ms`,
    `agent: ${use(seen.agent)}`,
    `router and Studio: ${use(seen.router)}`,
  ].join("\n");
}

function readWish(args: readonly string[]): ThroughputWish | undefined {
  const wish: ThroughputWish = {
    router: "embedded",
    program: "main.ts",
    procedure: "get_storage_data",
    inFlight: 64,
    seconds: 8,
    apps: 0,
    profile: "",
  };
  for (let index = 0; index < args.length; index += 2) {
    const [name, value = ""] = [args[index], args[index + 1]];
    const count = /^[1-9][0-9]{0,3}$/.test(value) ? Number(value) : undefined;
    if (name === "--router" && (value === "embedded" || value === "crossbar")) wish.router = value;
    else if (name === "--program" && value !== "") wish.program = value;
    else if (name === "--procedure" && value !== "") wish.procedure = value;
    else if (name === "--profile" && value !== "") wish.profile = value;
    else if (name === "--in-flight" && count !== undefined) wish.inFlight = count;
    else if (name === "--apps" && count !== undefined) wish.apps = count;
    else if (name === "--seconds" && count !== undefined) wish.seconds = count;
    else return undefined;
  }
  return wish;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
