/** What processes have used of the machine, so that a figure can say what stood in its way. */

import { listProcesses, type ProcessRow } from "../testbed/background.ts";
import { runProgram } from "../programs.ts";

/** What some processes used together. */
export interface Use {
  processorMs: number;
  /** What of them is in memory at the end. */
  rssMib: number;
  /** Over which time. */
  overMs: number;
}

/** The system counts in steps of this. */
const tickMs = 10;
const pageBytes = 4_096;

/** What these processes have used since they began; `overMs` is the time of the machine. Throws when none of them is there. */
export async function readUse(pids: readonly number[]): Promise<Use> {
  const files = pids.flatMap((pid) => [`/proc/${pid}/stat`, `/proc/${pid}/statm`]);
  // The runtime itself reads /proc only with all permissions.
  const use = pids.length === 0 ? undefined : sumUse((await runProgram("cat", files)).stdout);
  if (use === undefined) throw new Error(`Cannot read what processes use: ${pids.join(", ") || "there are none"}`);
  return { ...use, overMs: performance.now() };
}

/** Adds up files of the kinds /proc/…/stat and /proc/…/statm; undefined when there are none. Pure. */
export function sumUse(text: string): Pick<Use, "processorMs" | "rssMib"> | undefined {
  let ticks = 0;
  let pages = 0;
  for (const line of text.split("\n")) {
    // The name, in brackets, is the second field and may hold spaces; only /proc/…/stat has one.
    const fields = line.replace(/^.*\) /, "").split(" ");
    if (line.includes(") ")) ticks += Number(fields[11]) + Number(fields[12]);
    else if (fields.length > 1) pages += Number(fields[1]);
  }
  return pages > 0 ? { processorMs: ticks * tickMs, rssMib: pages * pageBytes / 2 ** 20 } : undefined;
}

/** The processes that run and fit. */
export async function findPids(fits: (row: ProcessRow) => boolean): Promise<number[]> {
  return (await listProcesses()).filter(fits).map(({ pid }) => pid);
}

/** What was used between two readings. */
export function usedBetween(before: Use, after: Use): Use {
  return {
    processorMs: after.processorMs - before.processorMs,
    rssMib: after.rssMib,
    overMs: after.overMs - before.overMs,
  };
}

/** The part of one processor, in percent. */
export function percentOf({ processorMs, overMs }: Use): number {
  return 100 * processorMs / overMs;
}
