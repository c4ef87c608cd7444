/** Reads what the process of the agent uses. */

import { type Measured, observed } from "./instruments.ts";

/** Reads it. What the system does not show is left out. Never throws. */
export async function readProcess(): Promise<Measured[]> {
  const { cpuUsage } = await import("node:process");
  const { user, system } = cpuUsage();
  const [threads, descriptors] = await Promise.all([countIn("/proc/self/task"), countIn("/proc/self/fd")]);
  const counted = [
    { instrument: observed.threads, value: threads },
    { instrument: observed.descriptors, value: descriptors },
  ];
  return [
    { instrument: observed.cpuTime, value: user / 1e6, attributes: { "cpu.mode": "user" } },
    { instrument: observed.cpuTime, value: system / 1e6, attributes: { "cpu.mode": "system" } },
    { instrument: observed.memory, value: Deno.memoryUsage().rss, attributes: {} },
    { instrument: observed.uptime, value: performance.now() / 1000, attributes: {} },
    ...counted.flatMap(({ instrument, value }) => value === undefined ? [] : [{ instrument, value, attributes: {} }]),
  ];
}

async function countIn(folder: string): Promise<number | undefined> {
  try {
    let count = 0;
    for await (const _ of Deno.readDir(folder)) count += 1;
    return count;
  } catch {
    // Other systems have no such folder.
    return undefined;
  }
}
