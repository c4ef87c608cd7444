/** Finds out whether the device has an NVIDIA graphics processor that containers could use. */

import type { Clock } from "../async/clock.ts";
import { cachedRead } from "../async/cached_read.ts";
import { runCommand } from "./command.ts";
import { readSystemFile } from "./system_file.ts";

/** Where to look for traces of it. */
export interface NvidiaTraces {
  /** A folder of its driver. */
  driverFolder: string;
  /** The file with the device tree's name of the board. */
  modelFile: string;
  /** A program that lists libraries, with its arguments. */
  libraryList: readonly [program: string, ...args: string[]];
}

/** The places on a Linux device. */
export const linuxNvidiaTraces: NvidiaTraces = {
  driverFolder: "/usr/lib/nvidia",
  modelFile: "/proc/device-tree/model",
  // The PATH of services often lacks its folder.
  libraryList: ["/sbin/ldconfig", "-p"],
};

const libraryListLimitMs = 10_000;

/** When many apps start at once, a small device should not run a program for each container. */
const gpuCheckAgeMs = 10_000;

/** True when there is any trace. Never throws; what cannot be read is not a trace. */
export async function hasNvidiaGpu(signal: AbortSignal, traces: NvidiaTraces = linuxNvidiaTraces): Promise<boolean> {
  if (await isFolder(traces.driverFolder)) return true;
  if (readSystemFile(traces.modelFile)?.toLowerCase().includes("nvidia")) return true;
  const [program, ...args] = traces.libraryList;
  try {
    const { stdout } = await runCommand(program, args, { signal, timeoutMs: libraryListLimitMs });
    return stdout.includes("libnvidia");
  } catch {
    // Without the program there are no such libraries.
    return false;
  }
}

/** `hasNvidiaGpu()`, at most once in 10 s; every check ends by itself within that time. */
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
    // It does not exist.
    return false;
  }
}
