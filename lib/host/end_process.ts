/** Ends a program of this machine that is no child of the agent, and only if it is the one that is meant. */

import type { Clock } from "../async/clock.ts";

/** How a process is ended. */
export interface EndProcessOptions {
  /** A variable of its environment, `NAME=value`, without which it is another process. */
  mark: string;
  /** How long it has after the hang-up signal. */
  graceMs: number;
  clock: Pick<Clock, "now" | "sleep">;
}

const pollMs = 20;

/** How long the kernel gets after KILL. */
const killLimitMs = 2_000;

/**
 * Sends the hang-up signal, and KILL after `graceMs` to what is left: the process, and the program that its terminal
 * runs in the foreground. False when no such process is visible from here; it may run on another machine.
 */
export async function endMarkedProcess(pid: number, options: EndProcessOptions): Promise<boolean> {
  if (!await carriesMark(pid, options.mark)) return false;
  const foreground = await foregroundOf(pid);
  send(pid, "SIGHUP");
  if (!await isGoneWithin(pid, options, options.graceMs)) {
    send(pid, "SIGKILL");
    await isGoneWithin(pid, options, killLimitMs);
  }
  if (foreground !== undefined && foreground !== pid && await carriesMark(foreground, options.mark)) {
    // The end of its terminal has hung it up; it does not care.
    if (!await isGoneWithin(foreground, options, options.graceMs)) send(-foreground, "SIGKILL");
  }
  return true;
}

/** Whether a process has a variable in its environment. */
export async function carriesMark(pid: number, mark: string): Promise<boolean> {
  if (pid <= 1) return false;
  try {
    return `\0${await Deno.readTextFile(`/proc/${pid}/environ`)}`.includes(`\0${mark}\0`);
  } catch {
    // It is gone, is not ours to look at, or there is no such folder on this system.
    return false;
  }
}

async function isGoneWithin(pid: number, { mark, clock }: EndProcessOptions, limitMs: number): Promise<boolean> {
  const until = clock.now() + limitMs;
  while (await carriesMark(pid, mark)) {
    if (clock.now() >= until) return false;
    await clock.sleep(pollMs);
  }
  return true;
}

/** The process group in the foreground of the terminal of a process. */
async function foregroundOf(pid: number): Promise<number | undefined> {
  try {
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    // The name of the program, in brackets, may hold anything.
    const group = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[5]);
    return Number.isSafeInteger(group) && group > 1 ? group : undefined;
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has just ended by itself.
  }
}
