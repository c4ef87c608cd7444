/** How fast ports of apps are reached through a real tunnel server, and what tunnels cost. */

import { Frps, frpsDomain, frpsPorts } from "../../testbed/frps.ts";
import { partsFolder } from "../../testbed/setup/folder.ts";
import type { AgentProcess } from "../../testbed/agent_process.ts";
import { listProcesses, sendSignal } from "../../testbed/background.ts";
import { pollUntil, sleep } from "../../testbed/wait.ts";
import { readRssMib } from "../agent_usage.ts";
import { type BenchFixture, type GroupOptions, installApps, startAgent, startFixture } from "../fixture.ts";
import { readUsage } from "../process_usage.ts";
import type { Samples } from "../results.ts";
import { timeOf } from "../yardsticks.ts";

const tunnelCount = 10;
const rounds = 5;
const settleMs = 45_000;
const firstPort = 8_080;
const serves = "mkdir -p /www && echo hello > /www/index.html && httpd -p 8080 -h /www";
const app = "app1";

/** Measures the rows of the group `tunnels`. */
export async function measureTunnels({ setting, say }: GroupOptions): Promise<Samples> {
  await using fixture = await startFixture(setting.router);
  await using _frps = await Frps.start();
  await using agent = await startAgent(fixture, setting.program, { files: { frpc: partsFolder().frpc } });
  await installApps(fixture, 1, { runs: serves });
  say(`idle for ${settleMs / 1_000} s without and with tunnels`);
  const without = await idleWith(fixture, agent, 0);
  const rss = await idleWith(fixture, agent, tunnelCount) - without;
  const client = await readUsage([await clientPid()]);
  const opened: number[] = [];
  const killed: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    opened.push(await timeOpen(fixture));
    killed.push(await timeKill(fixture));
  }
  await agent.stop();
  return {
    "tunnels.open": { values: opened },
    "tunnels.killed": { values: killed },
    "tunnels.rss": { values: [rss] },
    "tunnels.client.rss": { values: [client.rssMib] },
  };
}

/** The agent's memory once it has been idle with so many tunnels. */
async function idleWith(fixture: BenchFixture, agent: AgentProcess, count: number): Promise<number> {
  await restart(fixture, count);
  await untilTunnels(fixture, count);
  await sleep(settleMs);
  return await readRssMib(agent);
}

/** From the report that the app runs to its first answer through the server. */
async function timeOpen(fixture: BenchFixture): Promise<number> {
  await restart(fixture, 0);
  await restart(fixture, 1);
  return await timeOf(() => untilReached(fixture));
}

async function timeKill(fixture: BenchFixture): Promise<number> {
  const pid = await clientPid();
  return await timeOf(async () => {
    sendSignal(pid, "SIGKILL");
    await pollUntil("the tunnel is down", async () => !await isReached(fixture) || undefined);
    await untilReached(fixture);
  });
}

/** Stops the app and starts it with so many active ports, which take effect at a start. */
async function restart({ studio, device }: BenchFixture, count: number): Promise<void> {
  const ports = Array.from({ length: count }, (_, index) => {
    return { port: firstPort + index, protocol: "http", active: true };
  });
  for (const target of ["PRESENT", "RUNNING"] as const) {
    const { after } = await studio.request(device, app, { target, ports });
    await studio.waitForReport(device, { state: target }, { after, limitMs: 60_000 });
  }
}

async function untilTunnels({ studio, device }: BenchFixture, count: number): Promise<void> {
  await pollUntil(`${count} tunnels are there`, async () => {
    const { args: [states] } = await studio.call(device, "get_tunnel_state");
    return (Array.isArray(states) && states.length === count) || undefined;
  }, { limitMs: 30_000 });
}

async function untilReached(fixture: BenchFixture): Promise<void> {
  await pollUntil("the app is reached", async () => await isReached(fixture) || undefined, {
    limitMs: 30_000,
  });
}

async function isReached({ device }: BenchFixture): Promise<boolean> {
  try {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port: frpsPorts.http });
    const host = `${device.deviceKey}-${app}-${firstPort}.${frpsDomain}`;
    await connection.write(new TextEncoder().encode(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`));
    const buffer = new Uint8Array(1_024);
    const text = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
    return text.includes(" 200 ");
  } catch {
    // Refused, or closed again.
    return false;
  }
}

async function clientPid(): Promise<number> {
  const found = (await listProcesses()).find(({ command }) => command.includes("frpc"));
  if (found === undefined) throw new Error("The tunnel client does not run");
  return found.pid;
}
