/** Ends a program of this machine that is no child of the agent, and only if it is the one that is meant. */

import type { Clock } from "../async/clock.ts";
import { readBoot } from "./boot.ts";

/** What Linux tells about one process of this machine. */
export interface ProcessStat {
  parent: number;
  /** The number of the session, which is that of the process that has begun it. */
  session: number;
  /** The process group in the foreground of its terminal; 0 or less without one. */
  foreground: number;
  /** When it was started, in clock ticks since the start of the machine; the same for its whole life. */
  startTicks: string;
}

/**
 * Undefined when there is no such process, also when it has ended and only its parent has not noticed, and on other
 * systems. Source: proc(5), `/proc/<pid>/stat`.
 */
export function readProcessStat(pid: number, procDir = "/proc"): ProcessStat | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${procDir}/${pid}/stat`);
  } catch {
    return undefined;
  }
  // The name of the program, in brackets, may hold anything.
  const [state = "", parent, , session, , foreground, ...rest] = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startTicks = rest[13];
  if (startTicks === undefined || "ZX".includes(state)) return undefined;
  return { parent: Number(parent), session: Number(session), foreground: Number(foreground), startTicks };
}

/** What tells a process from others that have its number at another time. */
export interface ProcessMarks {
  /** A variable that its environment has had from the beginning, `NAME=value`; a program can drop it. */
  mark: string;
  /** As `startOfProcess()` has told it, or empty; a process keeps it when it runs another program in its own place. */
  start: string;
}

/** How a process is ended. */
export interface EndProcessOptions extends ProcessMarks {
  /** How long it has after the hang-up signal. */
  graceMs: number;
  clock: Pick<Clock, "now" | "sleep">;
}

const pollMs = 20;

/** How long the kernel gets after KILL. */
const killLimitMs = 2_000;

/** Names the start of the machine and that of the process; empty when there is no such process. */
export function startOfProcess(pid: number): string {
  const stat = readProcessStat(pid);
  return stat === undefined ? "" : `${readBoot().id ?? ""}/${stat.startTicks}`;
}

/**
 * Sends the hang-up signal, and KILL after `graceMs` to what is left: the process, and the program that its terminal
 * runs in the foreground. False when no such process is visible from here, as it may run on another machine, or when it
 * belongs to another user. One that is frozen ends once it goes on.
 */
export async function endMarkedProcess(pid: number, options: EndProcessOptions): Promise<boolean> {
  if (!isSameProcess(pid, options)) return false;
  const foreground = foregroundOf(pid, options.mark);
  if (!send(pid, "SIGHUP")) return false;
  if (!await isGoneWithin(pid, options, options.graceMs)) {
    send(pid, "SIGKILL");
    await isGoneWithin(pid, options, killLimitMs);
  }
  if (foreground === undefined) return true;
  // The end of its terminal has hung it up; it may not care.
  if (!await isGoneWithin(foreground.pid, { ...options, ...foreground }, options.graceMs)) {
    send(-foreground.pid, "SIGKILL");
  }
  return true;
}

/** Whether the process of this number is the one that is meant. */
function isSameProcess(pid: number, { mark, start }: ProcessMarks): boolean {
  if (pid <= 1) return false;
  if (start !== "" && startOfProcess(pid) === start) return true;
  try {
    return `\0${Deno.readTextFileSync(`/proc/${pid}/environ`)}`.includes(`\0${mark}\0`);
  } catch {
    // It is gone, is not ours to look at, or there is no such folder on this system.
    return false;
  }
}

async function isGoneWithin(
  pid: number,
  { clock, ...marks }: ProcessMarks & Pick<EndProcessOptions, "clock">,
  limitMs: number,
): Promise<boolean> {
  const until = clock.now() + limitMs;
  while (isSameProcess(pid, marks)) {
    if (clock.now() >= until) return false;
    await clock.sleep(pollMs);
  }
  return true;
}

/** What runs in the foreground of the terminal of a shell, if it is another process of its session. */
function foregroundOf(shell: number, mark: string): { pid: number; start: string } | undefined {
  const { foreground: pid = 0, session } = readProcessStat(shell) ?? {};
  if (pid <= 1 || pid === shell) return undefined;
  const start = startOfProcess(pid);
  const isOfSession = session === shell && readProcessStat(pid)?.session === session;
  return isOfSession || isSameProcess(pid, { mark, start: "" }) ? { pid, start } : undefined;
}

/** False for a process that may not be ended from here. */
function send(pid: number, signal: Deno.Signal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (error) {
    // All others have just ended by themselves.
    return !(error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable);
  }
}
