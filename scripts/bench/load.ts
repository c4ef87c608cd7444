/**
 * `deno run -P=tools scripts/bench/load.ts [--router embedded|crossbar] [--in-flight N] [--seconds N] [--program FILE]`: everything at
 * once on one real agent: thousands of calls in flight, ten followed logs and a pull of 100 MB. First each procedure alone, so that it
 * shows which of them can answer in time at all. Needs root, on Linux.
 */

import { AgentProcess } from "../../tests/parts/agent_process.ts";
import { Box, sweepBoxes } from "../../tests/parts/box.ts";
import { installParts } from "../setup.ts";
import type { RouterName } from "./rows.ts";
import { Beats } from "./beats.ts";
import { percentile } from "./figures.ts";
import { LogLines } from "./log_lines.ts";
import { readUse, type Use, usedBetween } from "./process_use.ts";
import { runCaller } from "./raw_caller.ts";
import { installApps, publish, type Stage, startStage } from "./stage.ts";
import { alignColumns, numberText } from "./table.ts";

/** What is measured. */
export interface LoadWish {
  router: RouterName;
  program: string;
  inFlight: number;
  /** Of everything at once; two heartbeats need more than a minute. */
  seconds: number;
}

/** How the calls of one procedure were answered. */
export interface AnswerTimes {
  procedure: string;
  answers: number;
  errors: number;
  firstError: string;
  /** Milliseconds; undefined when none was answered. */
  times: { p50Ms: number; p99Ms: number; mostMs: number } | undefined;
}

/** What was seen. */
export interface LoadMeasured {
  /** Each procedure by itself. */
  alone: AnswerTimes[];
  /** All of them in turn, beside logs and pull. */
  together: AnswerTimes[];
  callsPerSecond: number;
  linesPerSecond: number;
  pullMs: number;
  heartbeats: number;
  heartbeatLateMs: number;
  agent: Use;
}

/** Those that only read, and that need neither arguments nor an answer from outside the machine. */
const procedures = [
  "device_handshake",
  "get_tunnel_state",
  "get_storage_data",
  "get_network_metadata",
  "get_ipv4_addresses",
  "list_containers",
  "get_images",
] as const;

const root = new URL("../..", import.meta.url).pathname;
const usage =
  "Usage: deno run -P=tools scripts/bench/load.ts [--router embedded|crossbar] [--in-flight N] [--seconds N] " +
  "[--program FILE]";
const aloneSeconds = 3;
const logCount = 10;
/** 100 lines a second, ten at a time. */
const printing = 'n=0; while :; do for i in 0 1 2 3 4 5 6 7 8 9; do n=$((n+1)); echo "line $n of an app under load"; ' +
  "done; sleep 0.1; done";
const bigApp = { name: "big", version: "1.0.0", sizeMb: 100 };

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const wish = readWish(args);
  if (wish === undefined) {
    print(usage);
    return 2;
  }
  if (Deno.env.get("REAGENT_BOX") === "1") {
    print(renderLoad(wish, await measureLoad(wish, print)));
    return 0;
  }
  const missing = await installParts((text) => print(`setup: ${text}`));
  const lacks = [...missing].filter(([name]) => ["box", "engine", "registry", wish.router].includes(name));
  for (const [name, reason] of lacks) print(`Cannot measure without ${name}: ${reason}`);
  if (lacks.length > 0) return 1;
  await sweepBoxes();
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "scripts/bench/load.ts", ...args];
  await using box = await Box.start([Deno.execPath(), ...command], { cwd: root });
  return (await box.status).code;
}

/** Measures in a box, on parts of its own. */
export async function measureLoad(wish: LoadWish, say: (text: string) => void): Promise<LoadMeasured> {
  await using stage = await startStage(wish.router);
  await using agent = await AgentProcess.start({
    flock: stage.device.flock,
    program: root + wish.program,
    env: { DOCKER_HOST: stage.engine.host },
  });
  await stage.studio.waitForStatus(stage.device, "CONNECTED", { limitMs: 60_000 });
  await publish(stage, { apps: [bigApp.name], version: bigApp.version, recipe: { sizeMb: bigApp.sizeMb } });
  const apps = await installApps(stage, logCount, { runs: printing });
  say("Apps run");
  const alone: AnswerTimes[] = [];
  for (const procedure of procedures) {
    alone.push(...(await call(stage, [procedure], { ...wish, seconds: aloneSeconds })).answers);
    say(`${procedure} is measured`);
  }
  await using lines = await LogLines.follow(stage, apps);
  await using beats = new Beats(stage);
  const readAgent = () => readUse(({ pid }) => pid === agent.pid);
  const before = await readAgent();
  const begunMs = performance.now();
  const pulling = pull(stage);
  const { answers, callsPerSecond } = await call(stage, procedures, wish);
  const tookSeconds = (performance.now() - begunMs) / 1_000;
  return {
    alone,
    together: answers,
    callsPerSecond,
    linesPerSecond: lines.seen / tookSeconds,
    pullMs: await pulling,
    heartbeats: beats.count,
    heartbeatLateMs: beats.lateMs,
    agent: usedBetween(before, await readAgent()),
  };
}

async function call(
  { studio, device }: Stage,
  names: readonly string[],
  { inFlight, seconds }: Pick<LoadWish, "inFlight" | "seconds">,
): Promise<{ answers: AnswerTimes[]; callsPerSecond: number }> {
  const calls = names.map((name) => ({ procedure: `re.mgmt.${device.serial}.${name}` }));
  const seen = await runCaller({ ...studio.login, calls, inFlight, limit: { seconds } });
  const answers = names.map((procedure, index) => {
    const { times = [], errors = 0, firstError = "" } = seen.calls[index] ?? {};
    return {
      procedure,
      answers: times.length,
      errors,
      firstError,
      times: times.length === 0 ? undefined : {
        p50Ms: percentile(times, 50),
        p99Ms: percentile(times, 99),
        mostMs: percentile(times, 100),
      },
    };
  });
  return { answers, callsPerSecond: seen.callsPerSecond };
}

/** Lets the device pull the big app and gives the milliseconds until it runs. */
async function pull({ studio, device }: Stage): Promise<number> {
  const begunMs = performance.now();
  await studio.request(device, bigApp.name, { target: "RUNNING" });
  const runs = () =>
    studio.apps(device).some(({ appName, current }) => appName === bigApp.name && current === "RUNNING") || undefined;
  await studio.waitFor("the big app runs", runs, { limitMs: 120_000 });
  return performance.now() - begunMs;
}

function renderLoad(wish: LoadWish, seen: LoadMeasured): string {
  const head = ["", "", "answers", "p50", "p99", "most", "errors"];
  const row = (kind: string) => ({ procedure, answers, errors, times }: AnswerTimes) => {
    const texts = times === undefined
      ? ["", "", ""]
      : [times.p50Ms, times.p99Ms, times.mostMs].map((ms) => `${numberText(ms)} ms`);
    return [kind, procedure, String(answers), ...texts, String(errors)];
  };
  const { processorMs, overMs, rssMib } = seen.agent;
  return [
    `${wish.program}, ${wish.router} router, ${wish.inFlight} in flight, load ${Deno.loadavg()[0]?.toFixed(1)}`,
    alignColumns([head, ...seen.alone.map(row("alone")), ...seen.together.map(row("together"))]),
    ...[...seen.alone, ...seen.together].filter(({ errors }) => errors > 0).map(({ procedure, firstError }) =>
      `${procedure} fails: ${firstError}`
    ),
    `together: ${Math.round(seen.callsPerSecond)} calls/s, ${Math.round(seen.linesPerSecond)} log lines/s, ` +
    `${bigApp.sizeMb} MB pulled and started in ${Math.round(seen.pullMs)} ms`,
    `heartbeats: ${seen.heartbeats} seen, late by up to ${Math.round(seen.heartbeatLateMs)} ms`,
    `agent: ${Math.round(100 * processorMs / overMs)} % of a processor, ${Math.round(rssMib)} MiB`,
  ].join("\n");
}

function readWish(args: readonly string[]): LoadWish | undefined {
  const wish: LoadWish = { router: "embedded", program: "main.ts", inFlight: 2_000, seconds: 70 };
  for (let index = 0; index < args.length; index += 2) {
    const [name, value = ""] = [args[index], args[index + 1]];
    const count = /^[1-9][0-9]{0,3}$/.test(value) ? Number(value) : undefined;
    if (name === "--router" && (value === "embedded" || value === "crossbar")) wish.router = value;
    else if (name === "--program" && value !== "") wish.program = value;
    else if (name === "--in-flight" && count !== undefined) wish.inFlight = count;
    else if (name === "--seconds" && count !== undefined) wish.seconds = count;
    else return undefined;
  }
  return wish;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
