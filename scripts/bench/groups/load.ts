/** Everything at once on one agent: thousands of calls in flight, ten followed logs and a pull of 100 MB. */

import { deviceUri } from "../../../lib/backend/uris.ts";
import { measureProcessor } from "../agent_figures.ts";
import { echoUri, startBareCallee } from "../bare_callee.ts";
import { percentile, type Samples } from "../figures.ts";
import { followLog } from "../followed_log.ts";
import { watchWhile } from "../heartbeats.ts";
import { printScript } from "../printed_lines.ts";
import { type CallerSeen, runCaller, timeCalls } from "../raw_caller.ts";
import { type GroupWork, installApps, publish, type Stage, startAgent, startStage } from "../stage.ts";
import { numberText } from "../table.ts";
import { timeOf } from "../yardsticks.ts";

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

const inFlight = 2_000;
/** Long enough for two heartbeats. */
const loadSeconds = 70;
const aloneSeconds = 5;
const logCount = 10;
const linesPerSecond = 100;
const bigApp = { name: "big", version: "1.0.0", sizeMb: 100 };

/** Measures the rows of the group `load`. */
export async function measureLoad({ setting, say }: GroupWork): Promise<Samples> {
  await using stage = await startStage(setting.router);
  await using agent = await startAgent(stage, setting.program);
  await publish(stage, { apps: [bigApp.name], version: bigApp.version, recipe: { sizeMb: bigApp.sizeMb } });
  const apps = await installApps(stage, logCount, { runs: printScript(linesPerSecond, { everyMs: 100 }) });
  say(`${inFlight} calls in flight of a program that only answers`);
  const bare = await callBare(stage);
  await using stack = new AsyncDisposableStack();
  const logs = [];
  for (const app of apps) logs.push(stack.use(await followLog(stage, app)));
  say(`${inFlight} calls in flight for ${loadSeconds} s, ${logCount} logs, a pull of ${bigApp.sizeMb} MB`);
  const together = () => Promise.all([callDevice(stage), timeOf(() => pull(stage))]);
  const { use, percent, result } = await measureProcessor(agent, () => watchWhile(stage, together));
  const { latestBeatMs, result: [seen, pullMs] } = result;
  const lines = logs.reduce((sum, log) => sum + log.seen.lines, 0);
  const dropped = logs.reduce((sum, log) => sum + log.seen.dropped, 0);
  for (const text of describeCalls(seen)) say(text);
  say(`the agent used ${Math.round(percent)} % of a processor`);
  await agent.stop();
  const times = seen.calls.flatMap((call) => call.times);
  const failed = seen.calls.reduce((sum, { errors }) => sum + errors, 0);
  return {
    "load.heartbeat": { values: [latestBeatMs] },
    "load.call.most": { values: [percentile(times, 100)], yardstick: [percentile(bare, 100)] },
    "load.call.p50": { values: [percentile(times, 50)], yardstick: [percentile(bare, 50)] },
    "load.call.failed": { values: [failed] },
    "load.rate": { values: [seen.callsPerSecond] },
    "load.lines": { values: [lines / (use.overMs / 1_000)] },
    "load.dropped": { values: [dropped] },
    "load.pull": { values: [pullMs] },
    "load.rss": { values: [use.rssMib] },
  };
}

async function callBare({ studio }: Stage): Promise<number[]> {
  await using _callee = await startBareCallee(studio.login);
  const order = { ...studio.login, call: { procedure: echoUri }, inFlight, limit: { seconds: aloneSeconds } };
  return (await timeCalls(order)).times;
}

/** All procedures in turn. */
async function callDevice({ studio, device }: Stage): Promise<CallerSeen> {
  const calls = procedures.map((name) => ({ procedure: deviceUri(device.serial, name) }));
  return await runCaller({ ...studio.login, calls, inFlight, limit: { seconds: loadSeconds } });
}

/** Lets the device pull the big app, and waits until it runs. */
async function pull({ studio, device }: Stage): Promise<void> {
  await studio.request(device, bigApp.name, { target: "RUNNING" });
  const runs = () =>
    studio.apps(device).some(({ appName, current }) => appName === bigApp.name && current === "RUNNING") || undefined;
  await studio.waitFor("the big app runs", runs, { limitMs: 120_000 });
}

function describeCalls({ calls }: CallerSeen): string[] {
  return calls.map(({ times, errors, firstError }, index) => {
    const quantiles = [50, 99, 100].map((percent) => numberText(percentile(times.length > 0 ? times : [NaN], percent)));
    const failures = errors === 0 ? "" : `, ${errors} failed, the first with ${firstError}`;
    return `${procedures[index]}: ${times.length} answers, p50 / p99 / slowest ${quantiles.join(" / ")} ms${failures}`;
  });
}
