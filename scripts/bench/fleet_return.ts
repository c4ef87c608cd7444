/** Statistics of how a fleet reconnects after its router was down. Pure. */

import { percentile } from "./results.ts";

/** How the agents of a fleet reconnected. Times in milliseconds after the router answered again. */
export interface FleetReturn {
  agents: number;
  /** Agents that had not reconnected in time. */
  missing: number;
  firstMs: number;
  p50Ms: number;
  p99Ms: number;
  lastMs: number;
  /** The largest share of the fleet that reconnected within any one second. */
  busiestSecond: number;
  /** How many reconnected in each second. */
  bySecond: number[];
}

/** Counts the agents by the time of their first session. Throws when none has reconnected. */
export function countReturn(returnsMs: readonly number[], agents: number): FleetReturn {
  const sorted = [...returnsMs].sort((a, b) => a - b);
  return {
    agents,
    missing: agents - sorted.length,
    firstMs: percentile(sorted, 0),
    p50Ms: percentile(sorted, 50),
    p99Ms: percentile(sorted, 99),
    lastMs: percentile(sorted, 100),
    busiestSecond: countBusiestSecond(sorted) / agents,
    bySecond: countBySecond(sorted),
  };
}

function countBySecond(sortedMs: readonly number[]): number[] {
  const counts: number[] = Array(Math.floor(Math.max(0, sortedMs.at(-1) ?? 0) / 1_000) + 1).fill(0);
  for (const ms of sortedMs) {
    const second = Math.max(0, Math.floor(ms / 1_000));
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

function countBusiestSecond(sortedMs: readonly number[]): number {
  let most = 0;
  let first = 0;
  for (const [index, ms] of sortedMs.entries()) {
    while (ms - (sortedMs[first] ?? ms) >= 1_000) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
