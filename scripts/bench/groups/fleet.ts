/**
 * A fleet of light agents on one Crossbar.io that goes away and comes back. On a small machine router and fleet stand in each
 * other's way, so what both used is told beside the times.
 */

import { Crossbar } from "../../testbed/crossbar.ts";
import { sleep } from "../../testbed/wait.ts";
import type { Samples } from "../figures.ts";
import { countReturn, type FleetReturn } from "../fleet_figures.ts";
import { fleetLogin } from "../fleet_logins.ts";
import { FleetPart } from "../fleet_part.ts";
import { findPids, percentOf, readUse, type Use, usedBetween } from "../process_use.ts";
import type { GroupWork } from "../stage.ts";

/** What was seen. */
interface FleetSeen extends FleetReturn {
  /** From the router's return to that of the last agent. */
  router: Use;
}

const agentCount = 1_000;
const agentsPerProcess = 250;
/** What Crossbar.io needs from its launch until it listens. */
const routerStartMs = 4_000;
const settleMs = 5_000;
const startLimitMs = 120_000;
const returnLimitMs = 90_000;

/** Measures the rows of the group `fleet`: half a minute without a router. */
export async function measureFleet(work: GroupWork): Promise<Samples> {
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
export async function measureAbsence(work: GroupWork): Promise<Samples> {
  const { p99Ms, busiestSecond, missing } = await loseRouter(600, work);
  return {
    "absence.p99": { values: [p99Ms] },
    "absence.busiest": { values: [100 * busiestSecond] },
    "absence.missing": { values: [missing] },
  };
}

async function loseRouter(awaySeconds: number, { say }: GroupWork): Promise<FleetSeen> {
  await using stack = new AsyncDisposableStack();
  const users = Array.from({ length: agentCount }, (_, agent) => ({ ...fleetLogin(agent), role: "device" as const }));
  const crossbar = stack.use(await Crossbar.start({ users }));
  const parts = startFleet(crossbar.url, stack);
  await untilAllBack(parts, { sinceMs: 0, limitMs: startLimitMs });
  const lacking = agentCount - parts.reduce((sum, part) => sum + part.returnsMs(0).length, 0);
  if (lacking > 0) throw new Error(`${lacking} agents did not connect at all`);
  say(`${agentCount} agents are connected; the router goes away for ${awaySeconds} s`);
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
  const seen = { ...countReturn(returnsMs, agentCount), router: usedBetween(before.router, after.router) };
  const fleet = usedBetween(before.fleet, after.fleet);
  for (const text of describeReturn(seen, { parts, awayMs: answersMs - goneMs, answersMs, fleet })) say(text);
  return seen;
}

function startFleet(url: string, stack: AsyncDisposableStack): FleetPart[] {
  const parts: FleetPart[] = [];
  for (let first = 0; first < agentCount; first += agentsPerProcess) {
    const count = Math.min(agentsPerProcess, agentCount - first);
    parts.push(stack.use(FleetPart.start(url, { first, count })));
  }
  return parts;
}

async function untilAllBack(
  parts: readonly FleetPart[],
  { sinceMs, limitMs }: { sinceMs: number; limitMs: number },
): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (Date.now() < endMs && parts.some((part) => part.returnsMs(sinceMs).length < part.count)) await sleep(100);
}

async function readUses(parts: readonly FleetPart[]): Promise<{ router: Use; fleet: Use }> {
  const routerPids = await findPids(({ command }) => command.includes("crossbar"));
  const [router, fleet] = await Promise.all([readUse(routerPids), readUse(parts.map((part) => part.pid))]);
  return { router, fleet };
}

function describeReturn(
  seen: FleetSeen,
  more: { parts: readonly FleetPart[]; awayMs: number; answersMs: number; fleet: Use },
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
