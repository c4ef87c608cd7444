/** Ends processes of an earlier run of the agent, recognized by a variable that nobody else has. Linux only. */

import { throwIfAborted } from "../async/deadline.ts";
import { readProcessStat } from "./end_process.ts";

/** Processes can start others while they are looked for. */
const rounds = 5;

/**
 * Ends every process that has one of these `NAME=value` in its environment, whole, and returns how many there were.
 * This process and those that it descends from are left alone, and so is what cannot be read. Throws `canceled` only.
 */
export async function endMarkedProcesses(
  marks: ReadonlySet<string>,
  { signal, procDir = "/proc", end = kill }: { signal: AbortSignal; procDir?: string; end?: (pid: number) => void },
): Promise<number> {
  const ended = new Set<number>();
  for (let round = 0; round < rounds; round += 1) {
    const spared = ancestors(procDir);
    const found: number[] = [];
    for (const pid of listPids(procDir)) {
      throwIfAborted(signal, "Looking for what an earlier run has left");
      if (spared.has(pid) || ended.has(pid)) continue;
      if (hasMark(await variablesOf(`${procDir}/${pid}/environ`), marks)) found.push(pid);
    }
    if (found.length === 0) break;
    for (const pid of found) {
      ended.add(pid);
      end(pid);
    }
  }
  return ended.size;
}

function listPids(procDir: string): number[] {
  try {
    return [...Deno.readDirSync(procDir)].map((entry) => Number(entry.name)).filter((pid) => Number.isInteger(pid));
  } catch {
    // Other systems have no such folder.
    return [];
  }
}

function hasMark(environment: string, marks: ReadonlySet<string>): boolean {
  return environment.split("\0").some((entry) => marks.has(entry));
}

async function variablesOf(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    // It has ended, or belongs to another user.
    return "";
  }
}

/** This process and those above it. */
function ancestors(procDir: string): Set<number> {
  const pids = new Set<number>();
  for (let pid = Deno.pid; pid > 1 && !pids.has(pid);) {
    pids.add(pid);
    pid = readProcessStat(pid, procDir)?.parent ?? 0;
  }
  return pids;
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
