/**
 * `deno run -P=tools scripts/bench/fleet.ts [--agents N] [--away SECONDS]`: a fleet of light agents on one Crossbar.io that goes
 * away and comes back. Prints how fast the agents are back, and what the router and the fleet's own processes used, because on a
 * small machine they stand in each other's way. Needs root, on Linux.
 */

import { Box, sweepBoxes } from "../../tests/parts/box.ts";
import { Crossbar } from "../../tests/parts/crossbar.ts";
import { installParts } from "../setup.ts";
import { countReturn, type FleetReturn } from "./fleet_figures.ts";
import { fleetLogin } from "./fleet_logins.ts";
import { FleetPart } from "./fleet_part.ts";
import { readUse, type Use, usedBetween } from "./process_use.ts";

/** What is measured. */
export interface FleetWish {
  agents: number;
  /** How long nobody listens at the router's address. */
  awaySeconds: number;
}

/** What was seen. */
export interface FleetMeasured extends FleetReturn {
  /** How long nobody listened, really. */
  awayMs: number;
  /** Dials that failed after the router answered again. */
  failedDials: number;
  /** From the router's return to that of the last agent: processor time of the router and of the fleet's processes. */
  router: Use;
  fleet: Use;
  /** The longest time that a process of the fleet did not get to its timers. */
  fleetLateMs: number;
}

const root = new URL("../..", import.meta.url).pathname;
const usage = "Usage: deno run -P=tools scripts/bench/fleet.ts [--agents N] [--away SECONDS]";
const agentsPerProcess = 250;
/** What Crossbar.io needs from its launch until it listens. */
const routerStartMs = 4_000;
const settleMs = 5_000;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const wish = readWish(args);
  if (wish === undefined) {
    print(usage);
    return 2;
  }
  if (Deno.env.get("REAGENT_BOX") === "1") {
    print(renderFleet(wish, await measureFleet(wish, print)));
    return 0;
  }
  const reason = (await installParts((text) => print(`setup: ${text}`))).get("crossbar");
  if (reason !== undefined) {
    print(`Cannot measure without crossbar: ${reason}`);
    return 1;
  }
  await sweepBoxes();
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "scripts/bench/fleet.ts", ...args];
  await using box = await Box.start([Deno.execPath(), ...command], { cwd: root });
  return (await box.status).code;
}

/** Runs the fleet in a box through one absence of its router. */
export async function measureFleet(wish: FleetWish, say: (text: string) => void): Promise<FleetMeasured> {
  const { agents, awaySeconds } = wish;
  await using stack = new AsyncDisposableStack();
  const users = Array.from({ length: agents }, (_, agent) => ({ ...fleetLogin(agent), role: "device" as const }));
  const crossbar = stack.use(await Crossbar.start({ users }));
  const parts: FleetPart[] = [];
  for (let first = 0; first < agents; first += agentsPerProcess) {
    const count = Math.min(agentsPerProcess, agents - first);
    parts.push(stack.use(FleetPart.start(crossbar.url, { first, count })));
  }
  await untilAllBack(parts, { sinceMs: 0, limitMs: 120_000 });
  say(`${agents} agents are connected`);
  await sleep(settleMs);
  await crossbar.kill();
  const goneMs = Date.now();
  await sleep(Math.max(0, awaySeconds * 1_000 - routerStartMs));
  await crossbar.start();
  const answersMs = Date.now();
  say(`The router was away for ${((answersMs - goneMs) / 1_000).toFixed(1)} s`);
  const before = await readUses(parts);
  await untilAllBack(parts, { sinceMs: goneMs, limitMs: 90_000 });
  const after = await readUses(parts);
  const returnsMs = parts.flatMap((part) => part.returnsMs(goneMs)).map((ms) => ms - answersMs);
  return {
    ...countReturn(returnsMs, agents),
    awayMs: answersMs - goneMs,
    failedDials: parts.reduce((sum, part) => sum + part.failuresSince(answersMs), 0),
    router: usedBetween(before.router, after.router),
    fleet: usedBetween(before.fleet, after.fleet),
    fleetLateMs: Math.max(...parts.map((part) => part.latestMs(answersMs))),
  };
}

async function untilAllBack(
  parts: readonly FleetPart[],
  { sinceMs, limitMs }: { sinceMs: number; limitMs: number },
): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (Date.now() < endMs && parts.some((part) => part.returnsMs(sinceMs).length < part.count)) await sleep(100);
}

async function readUses(parts: readonly FleetPart[]): Promise<{ router: Use; fleet: Use }> {
  const pids = new Set(parts.map((part) => part.pid));
  const [router, fleet] = await Promise.all([
    readUse(({ command }) => command.includes("crossbar")),
    readUse(({ pid }) => pids.has(pid)),
  ]);
  return { router, fleet };
}

function renderFleet(wish: FleetWish, seen: FleetMeasured): string {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
  const use = ({ processorMs, rssMib, overMs }: Use) =>
    `${seconds(processorMs)} of processor time (${Math.round(100 * processorMs / overMs)} % of one), ${
      Math.round(rssMib)
    } MiB`;
  return [
    `${seen.agents} agents, router away for ${seconds(seen.awayMs)} (asked for: ${wish.awaySeconds} s), load ${
      Deno.loadavg()[0]?.toFixed(1)
    }`,
    `back: first ${seconds(seen.firstMs)}, p50 ${seconds(seen.p50Ms)}, p99 ${seconds(seen.p99Ms)}, last ${
      seconds(seen.lastMs)
    }, missing ${seen.missing}`,
    `busiest second: ${(100 * seen.busiestSecond).toFixed(1)} % of the fleet; failed dials: ${seen.failedDials}`,
    `by second: ${seen.bySecond.join(" ")}`,
    `router: ${use(seen.router)}`,
    `fleet's processes: ${use(seen.fleet)}; late by up to ${seen.fleetLateMs} ms`,
  ].join("\n");
}

function readWish(args: readonly string[]): FleetWish | undefined {
  const wish = { agents: 1_000, awaySeconds: 30 };
  for (let index = 0; index < args.length; index += 2) {
    const [name, value = ""] = [args[index], args[index + 1]];
    if (!/^[1-9][0-9]{0,3}$/.test(value)) return undefined;
    if (name === "--agents") wish.agents = Number(value);
    else if (name === "--away") wish.awaySeconds = Number(value);
    else return undefined;
  }
  return wish;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
