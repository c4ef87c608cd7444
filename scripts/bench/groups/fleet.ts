/**
 * A fleet of light agents on one Crossbar.io that is down for a while. On a small machine router and fleet slow each
 * other down, so their processor time is printed with the results.
 */

import { Crossbar } from "../../testbed/crossbar.ts";
import { sleep } from "../../testbed/wait.ts";
import type { Samples } from "../results.ts";
import { countReturn, type FleetReturn } from "../fleet_return.ts";
import { fleetLogin } from "../fleet_logins.ts";
import { FleetProcess } from "../fleet_process.ts";
import { findPids, percentOf, type ProcessUsage, readUsage, usageBetween } from "../process_usage.ts";
import type { GroupOptions } from "../fixture.ts";

/** How the fleet reconnected. */
interface FleetOutcome extends FleetReturn {
  /** The usage of the router until the last agent has reconnected. */
  router: ProcessUsage;
}

const agentCount = 1_000;
const agentsPerProcess = 250;
/** How long Crossbar.io takes to start listening. */
const routerStartMs = 4_000;
const settleMs = 5_000;
const startLimitMs = 120_000;
const returnLimitMs = 90_000;

/** Measures the rows of the group `fleet`: half a minute without a router. */
export async function measureFleet(work: GroupOptions): Promise<Samples> {
  const { p99Ms, busiestSecond, missing, router } = await loseRouter(30, work);
  return {
    "fleet.p99": { values: [p99Ms] },
    "fleet.busiest": { values: [100 * busiestSecond] },
    "fleet.missing": { values: [missing] },
    "fleet.router.processor": { values: [router.processorMs] },
    "fleet.router.rss": { values: [router.rssMib] },
  };
}

/** Measures the rows of the group `absence`: ten minutes without a router. */
export async function measureAbsence(work: GroupOptions): Promise<Samples> {
  const { p99Ms, busiestSecond, missing } = await loseRouter(600, work);
  return {
    "absence.p99": { values: [p99Ms] },
    "absence.busiest": { values: [100 * busiestSecond] },
    "absence.missing": { values: [missing] },
  };
}

async function loseRouter(awaySeconds: number, { say }: GroupOptions): Promise<FleetOutcome> {
  await using stack = new AsyncDisposableStack();
  const users = Array.from({ length: agentCount }, (_, agent) => ({ ...fleetLogin(agent), role: "device" as const }));
  const crossbar = stack.use(await Crossbar.start({ users }));
  const parts = startFleet(crossbar.url, stack);
  await untilAllBack(parts, { sinceMs: 0, limitMs: startLimitMs });
  const lacking = agentCount - parts.reduce((sum, part) => sum + part.returnsMs(0).length, 0);
  if (lacking > 0) throw new Error(`${lacking} agents did not connect at all`);
  say(`${agentCount} agents are connected; the router stops for ${awaySeconds} s`);
  await sleep(settleMs);
  await crossbar.kill();
  const goneMs = Date.now();
  await sleep(awaySeconds * 1_000 - routerStartMs);
  await crossbar.start();
  const answersMs = Date.now();
  const before = await readUses(parts);
  await untilAllBack(parts, { sinceMs: goneMs, limitMs: returnLimitMs });
  const after = await readUses(parts);
  const returnsMs = parts.flatMap((part) => part.returnsMs(goneMs)).map((ms) => ms - answersMs);
  const seen = { ...countReturn(returnsMs, agentCount), router: usageBetween(before.router, after.router) };
  const fleet = usageBetween(before.fleet, after.fleet);
  for (const text of describeReturn(seen, { parts, awayMs: answersMs - goneMs, answersMs, fleet })) say(text);
  return seen;
}

function startFleet(url: string, stack: AsyncDisposableStack): FleetProcess[] {
  const parts: FleetProcess[] = [];
  for (let first = 0; first < agentCount; first += agentsPerProcess) {
    const count = Math.min(agentsPerProcess, agentCount - first);
    parts.push(stack.use(FleetProcess.start(url, { first, count })));
  }
  return parts;
}

async function untilAllBack(
  parts: readonly FleetProcess[],
  { sinceMs, limitMs }: { sinceMs: number; limitMs: number },
): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (Date.now() < endMs && parts.some((part) => part.returnsMs(sinceMs).length < part.count)) await sleep(100);
}

async function readUses(parts: readonly FleetProcess[]): Promise<{ router: ProcessUsage; fleet: ProcessUsage }> {
  const routerPids = await findPids(({ command }) => command.includes("crossbar"));
  const [router, fleet] = await Promise.all([readUsage(routerPids), readUsage(parts.map((part) => part.pid))]);
  return { router, fleet };
}

function describeReturn(
  seen: FleetOutcome,
  more: { parts: readonly FleetProcess[]; awayMs: number; answersMs: number; fleet: ProcessUsage },
): string[] {
  const { parts, answersMs, fleet } = more;
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
  const failedDials = parts.reduce((sum, part) => sum + part.failuresSince(answersMs), 0);
  const lateMs = Math.max(...parts.map((part) => part.latestMs(answersMs)));
  return [
    `away for ${seconds(more.awayMs)}; back: first ${seconds(seen.firstMs)}, p50 ${seconds(seen.p50Ms)}, ` +
    `p99 ${seconds(seen.p99Ms)}, last ${seconds(seen.lastMs)}; by second: ${seen.bySecond.join(" ")}`,
    `${failedDials} dials failed after the router answered; the router used ${Math.round(percentOf(seen.router))} % ` +
    `of a processor, the fleet ${Math.round(percentOf(fleet))} %, whose timers were late by up to ${lateMs} ms`,
  ];
}
