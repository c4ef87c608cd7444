/**
 * Starts and ends background programs. They are not children of this process, so that a test's leak checks see only
 * what the code under test leaves open.
 */

import { readTextIfThere, removeIfThere } from "../files.ts";
import { runProgram } from "../programs.ts";
import { pollUntil, sleep } from "./wait.ts";

/** A background program. */
export interface Background {
  pid: number;
  logFile: string;
}

/** Options of a background program. */
export interface BackgroundOptions {
  /** Gets its output and errors; `<logFile>.pid` holds its process id. */
  logFile: string;
  env?: Record<string, string>;
  cwd?: string;
}

/** Starts a program in a session of its own; its process id is also the id of its process group. */
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

/** Whether the process is running; a zombie is not. */
export async function isRunning(pid: number): Promise<boolean> {
  // The runtime may read /proc only with all permissions, so this asks a program.
  const state = (await runProgram("ps", ["-o", "stat=", "-p", String(pid)])).stdout.trim();
  return state !== "" && !state.startsWith("Z") && !state.startsWith("X");
}

/**
 * Waits until the system shows the arguments and the environment of a child. `spawn()` returns when the child has
 * closed its end of a pipe, which exec(2) does a moment before it has laid out the new program.
 */
export async function untilExecuted({ pid }: { pid: number }): Promise<void> {
  const read = (name: string) => Deno.readTextFile(`/proc/${pid}/${name}`);
  await pollUntil(`process ${pid} is what was started`, async () => {
    return (await read("cmdline") !== "" && await read("environ") !== "") || undefined;
  });
}

/** A process in the list of processes. */
export interface ProcessRow {
  pid: number;
  parent: number;
  command: string;
}

/** All processes that are visible to this one. */
export async function listProcesses(): Promise<ProcessRow[]> {
  const { stdout } = await runProgram("ps", ["-ww", "-eo", "pid=,ppid=,args="]);
  return stdout.split("\n").filter((line) => line.trim() !== "").map((line) => {
    const [pid, parent, ...words] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), command: words.join(" ") };
  });
}

/** Sends a signal to a process or, with a negative id, to a process group; it may be gone. */
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
 * Freezes a background program (its whole session when `isWhole`) until it gets SIGCONT. Resolves when none of its
 * threads is running: when kill(2) returns, the signal has only been sent, and threads may still be busy.
 */
export async function freezeProcess(pid: number, isWhole = false): Promise<void> {
  sendSignal(isWhole ? -pid : pid, "SIGSTOP");
  const selection = [isWhole ? "-s" : "-p", String(pid)];
  await pollUntil(`process ${pid} is frozen`, async () => {
    const { stdout } = await runProgram("ps", ["-L", "-o", "stat=", ...selection]);
    return /^(?:[TtZX]\S*\s*)*$/.test(stdout) || undefined;
  });
}
