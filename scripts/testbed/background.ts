/**
 * Starts and ends programs that run beside this one. They are no children of this process, so that a test's leak checks
 * see what the code under test leaves open, and nothing else.
 */

import { readTextIfThere, removeIfThere } from "../files.ts";
import { runProgram } from "../programs.ts";
import { pollUntil, sleep } from "./wait.ts";

/** A program that runs by itself. */
export interface Background {
  pid: number;
  logFile: string;
}

/** What a background program gets besides its arguments. */
export interface BackgroundOptions {
  /** Its output and errors are appended here; `<logFile>.pid` holds its process id. */
  logFile: string;
  env?: Record<string, string>;
  cwd?: string;
}

/** Starts a program in a session of its own; gives its process id, which is its process group's id as well. */
export async function startInBackground(
  program: string,
  args: readonly string[],
  options: BackgroundOptions,
): Promise<Background> {
  const pidFile = `${options.logFile}.pid`;
  await removeIfThere(pidFile);
  const script = 'echo $$ >"$1.part"; mv "$1.part" "$1"; exec >>"$2" 2>&1; shift 2; exec "$@"';
  const output = await new Deno.Command("setsid", {
    args: ["--fork", "sh", "-c", script, "sh", pidFile, options.logFile, program, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    env: options.env ?? {},
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  }).output();
  if (!output.success) throw new Error(`Cannot start "${program}": setsid ended with ${output.code}`);
  const read = async () => Number(await readTextIfThere(pidFile));
  const pid = await pollUntil(`"${program}" has a process id`, async () => (await read()) || undefined);
  return { pid, logFile: options.logFile };
}

/** True while the process runs; one that has ended and only waits for its parent does not count. */
export async function isRunning(pid: number): Promise<boolean> {
  // The runtime reads /proc only with all permissions, so the list comes from a program.
  const state = (await runProgram("ps", ["-o", "stat=", "-p", String(pid)])).stdout.trim();
  return state !== "" && !state.startsWith("Z") && !state.startsWith("X");
}

/** A row of the list of processes. */
export interface ProcessRow {
  pid: number;
  parent: number;
  command: string;
}

/** All processes that this one can see. */
export async function listProcesses(): Promise<ProcessRow[]> {
  const { stdout } = await runProgram("ps", ["-ww", "-eo", "pid=,ppid=,args="]);
  return stdout.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [pid, parent, ...words] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), command: words.join(" ") };
  });
}

/** Sends a signal; a process (or, for a negative id, a group) that has gone is fine. */
export function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Ends a background program: TERM, then KILL to its whole group after `graceMs`. */
export async function endProcess(pid: number, graceMs = 5_000): Promise<void> {
  sendSignal(pid, "SIGTERM");
  const startedMs = performance.now();
  while (await isRunning(pid) && performance.now() - startedMs < graceMs) await sleep(10);
  sendSignal(-pid, "SIGKILL");
  await pollUntil(`process ${pid} is gone`, async () => !(await isRunning(pid)) || undefined);
}

/** Kills a background program and its process group with SIGKILL and waits until it is gone. */
export async function killProcess(pid: number): Promise<void> {
  sendSignal(-pid, "SIGKILL");
  await pollUntil(`process ${pid} is gone`, async () => !(await isRunning(pid)) || undefined);
}

/**
 * Freezes a background program (with all that belongs to its session when `isWhole`) until it gets SIGCONT. Returns
 * when not one of its threads runs: the signal has only been sent when kill(2) returns, and threads may still answer
 * somebody.
 */
export async function freezeProcess(pid: number, isWhole = false): Promise<void> {
  sendSignal(isWhole ? -pid : pid, "SIGSTOP");
  const those = [isWhole ? "-s" : "-p", String(pid)];
  await pollUntil(`process ${pid} stands still`, async () => {
    const { stdout } = await runProgram("ps", ["-L", "-o", "stat=", ...those]);
    return /^(?:[TtZX]\S*\s*)*$/.test(stdout) || undefined;
  });
}
