/** The processor time and memory of processes. */

import { listProcesses, type ProcessRow } from "../testbed/background.ts";
import { runProgram } from "../programs.ts";

/** What some processes have used together. */
export interface ProcessUsage {
  processorMs: number;
  /** Their memory at the end. */
  rssMib: number;
  /** The time in which they used it. */
  overMs: number;
}

/** The resolution of the system's counters. */
const tickMs = 10;
const pageBytes = 4_096;

/** What processes have used since they started; `overMs` is a reading of the clock. Throws when none of them runs. */
export async function readUsage(pids: readonly number[]): Promise<ProcessUsage> {
  const files = pids.flatMap((pid) => [`/proc/${pid}/stat`, `/proc/${pid}/statm`]);
  // The runtime reads /proc only with all permissions.
  const usage = pids.length === 0 ? undefined : sumUsage((await runProgram("cat", files)).stdout);
  if (usage === undefined) {
    throw new Error(`Cannot read the usage of processes: ${pids.join(", ") || "there are none"}`);
  }
  return { ...usage, overMs: performance.now() };
}

/** Adds up the contents of /proc/…/stat and /proc/…/statm files; undefined when there are none. Pure. */
export function sumUsage(text: string): Pick<ProcessUsage, "processorMs" | "rssMib"> | undefined {
  let ticks = 0;
  let pages = 0;
  for (const line of text.split("\n")) {
    // The second field, in brackets, is the name, which may contain spaces; only /proc/…/stat has one.
    const fields = line.replace(/^.*\) /, "").split(" ");
    if (line.includes(") ")) ticks += Number(fields[11]) + Number(fields[12]);
    else if (fields.length > 1) pages += Number(fields[1]);
  }
  return pages > 0 ? { processorMs: ticks * tickMs, rssMib: pages * pageBytes / 2 ** 20 } : undefined;
}

/** The ids of the processes that match. */
export async function findPids(isMatch: (row: ProcessRow) => boolean): Promise<number[]> {
  return (await listProcesses()).filter(isMatch).map(({ pid }) => pid);
}

/** The usage between two readings. */
export function usageBetween(before: ProcessUsage, after: ProcessUsage): ProcessUsage {
  return {
    processorMs: after.processorMs - before.processorMs,
    rssMib: after.rssMib,
    overMs: after.overMs - before.overMs,
  };
}

/** The share of one processor, in percent. */
export function percentOf({ processorMs, overMs }: ProcessUsage): number {
  return 100 * processorMs / overMs;
}
