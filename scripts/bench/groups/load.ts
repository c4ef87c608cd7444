/** Everything at once on one agent: thousands of calls in flight, ten followed logs and a pull of 100 MB. */

import { deviceUri } from "../../../lib/backend/uris.ts";
import { measureUsage } from "../agent_usage.ts";
import { echoUri, startBareCallee } from "../bare_callee.ts";
import { percentile, type Samples } from "../results.ts";
import { openLogViewer } from "../log_viewer.ts";
import { watchHeartbeats } from "../heartbeats.ts";
import { printScript } from "../printed_lines.ts";
import { type CallerResult, runCaller, timeCalls } from "../raw_caller.ts";
import { type BenchFixture, type GroupOptions, installApps, publish, startAgent, startFixture } from "../fixture.ts";
import { numberText } from "../table.ts";
import { timeOf } from "../yardsticks.ts";

/** Procedures that only read, and need neither arguments nor anything outside the machine. */
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
export async function measureLoad({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using agent = await startAgent(fixture, setting.program);
  await publish(fixture, { apps: [bigApp.name], version: bigApp.version, recipe: { sizeMb: bigApp.sizeMb } });
  const apps = await installApps(fixture, logCount, { runs: printScript(linesPerSecond, { everyMs: 100 }) });
  say(`${inFlight} calls in flight to a program that only answers`);
  const bare = await callBare(fixture);
  await using stack = new AsyncDisposableStack();
  const logs = [];
  for (const app of apps) logs.push(stack.use(await openLogViewer(fixture, app)));
  say(`${inFlight} calls in flight for ${loadSeconds} s, ${logCount} logs, a pull of ${bigApp.sizeMb} MB`);
  const together = () => Promise.all([callDevice(fixture), timeOf(() => pull(fixture))]);
  const { use, percent, result } = await measureUsage(agent, () => watchHeartbeats(fixture, together));
  const { lateMs, result: [seen, pullMs] } = result;
  const lines = logs.reduce((sum, log) => sum + log.received.lines, 0);
  const dropped = logs.reduce((sum, log) => sum + log.received.dropped, 0);
  for (const text of describeCalls(seen)) say(text);
  say(`the agent used ${Math.round(percent)} % of a processor`);
  await agent.stop();
  const times = seen.calls.flatMap((call) => call.times);
  const failed = seen.calls.reduce((sum, { errors }) => sum + errors, 0);
  return {
    "load.heartbeat": { values: [lateMs] },
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

async function callBare({ studio }: BenchFixture): Promise<number[]> {
  await using _callee = await startBareCallee(studio.login);
  const order = { ...studio.login, call: { procedure: echoUri }, inFlight, limit: { seconds: aloneSeconds } };
  return (await timeCalls(order)).times;
}

/** All procedures in turn. */
async function callDevice({ studio, device }: BenchFixture): Promise<CallerResult> {
  const calls = procedures.map((name) => ({ procedure: deviceUri(device.serial, name) }));
  return await runCaller({ ...studio.login, calls, inFlight, limit: { seconds: loadSeconds } });
}

/** Lets the device pull the big app and waits until it runs. */
async function pull({ studio, device }: BenchFixture): Promise<void> {
  await studio.request(device, bigApp.name, { target: "RUNNING" });
  const runs = () =>
    studio.apps(device).some(({ appName, current }) => appName === bigApp.name && current === "RUNNING") || undefined;
  await studio.waitFor("the big app runs", runs, { limitMs: 120_000 });
}

function describeCalls({ calls }: CallerResult): string[] {
  return calls.map(({ times, errors, firstError }, index) => {
    const quantiles = [50, 99, 100].map((percent) => numberText(percentile(times.length > 0 ? times : [NaN], percent)));
    const failures = errors === 0 ? "" : `, ${errors} failed, the first with ${firstError}`;
    return `${procedures[index]}: ${times.length} answers, p50 / p99 / slowest ${quantiles.join(" / ")} ms${failures}`;
  });
}
