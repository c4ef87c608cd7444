/** What processes have used of the machine, so that a figure can say what stood in its way. */

import { listProcesses, type ProcessRow, runProgram } from "../../tests/parts/background.ts";

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

/** What the processes that fit have used since they began; `overMs` is the time of the machine. */
export async function readUse(fits: (row: ProcessRow) => boolean): Promise<Use> {
  const pids = (await listProcesses()).filter(fits).map(({ pid }) => pid);
  const files = pids.flatMap((pid) => [`/proc/${pid}/stat`, `/proc/${pid}/statm`]);
  // The runtime itself reads /proc only with all permissions.
  const lines = pids.length === 0 ? [] : (await runProgram("cat", files)).stdout.split("\n");
  let ticks = 0;
  let pages = 0;
  for (const line of lines) {
    // The name, in brackets, is the second field and may hold spaces; only /proc/*/stat has one.
    const fields = line.replace(/^.*\) /, "").split(" ");
    if (line.includes(") ")) ticks += Number(fields[11]) + Number(fields[12]);
    else if (fields.length > 1) pages += Number(fields[1]);
  }
  return { processorMs: ticks * tickMs, rssMib: pages * 4_096 / 2 ** 20, overMs: performance.now() };
}

/** What was used between two readings. */
export function usedBetween(before: Use, after: Use): Use {
  return {
    processorMs: after.processorMs - before.processorMs,
    rssMib: after.rssMib,
    overMs: after.overMs - before.overMs,
  };
}
