/** Finds out whether the device has an NVIDIA graphics processor that containers could use. */

import type { Clock } from "../async/clock.ts";
import { cachedRead } from "../async/cached_read.ts";
import { runCommand } from "./command.ts";

/** Where its traces are looked for. */
export interface NvidiaTraces {
  /** A folder of its driver. */
  driverFolder: string;
  /** The device tree's name of the board. */
  modelFile: string;
  /** A program that lists libraries, with its arguments. */
  libraryList: readonly [program: string, ...args: string[]];
}

/** The places on a Linux device. */
export const linuxNvidiaTraces: NvidiaTraces = {
  driverFolder: "/usr/lib/nvidia",
  modelFile: "/proc/device-tree/model",
  // Its folder is often missing in the PATH of services.
  libraryList: ["/sbin/ldconfig", "-p"],
};

const libraryListLimitMs = 10_000;

/** Starting a program for every container costs a small device much when many apps are started at once. */
const gpuCheckAgeMs = 10_000;

/** True when any trace is there. Never throws; what cannot be read is no trace. */
export async function hasNvidiaGpu(signal: AbortSignal, traces: NvidiaTraces = linuxNvidiaTraces): Promise<boolean> {
  if (await isFolder(traces.driverFolder)) return true;
  if ((await readTextOrEmpty(traces.modelFile)).toLowerCase().includes("nvidia")) return true;
  const [program, ...args] = traces.libraryList;
  try {
    const { stdout } = await runCommand(program, args, { signal, timeoutMs: libraryListLimitMs });
    return stdout.includes("libnvidia");
  } catch {
    // No such program: no such libraries.
    return false;
  }
}

/** `hasNvidia()`, found out once in 10 s at most; each look ends by itself within that time. */
export function watchNvidiaGpu(
  clock: Pick<Clock, "now">,
  traces: NvidiaTraces = linuxNvidiaTraces,
): () => Promise<boolean> {
  return cachedRead(() => hasNvidiaGpu(new AbortController().signal, traces), { forMs: gpuCheckAgeMs, clock });
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    // Not there, hence no trace.
    return false;
  }
}

async function readTextOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch {
    // Boards without a device tree have no such file.
    return "";
  }
}
