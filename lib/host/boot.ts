/** Which start of the machine this is, so that a power loss can be told from the end of a process. */

import { readSystemFile } from "./system_file.ts";

/** The current start of the machine. */
export interface Boot {
  /** Different after each start of the machine; undefined where the system has none. */
  id: string | undefined;
  /** Since the start of the machine, in milliseconds; goes on over the end of the process. */
  uptimeMs: number;
}

/** Reads both, on Linux. Source: random(4), `boot_id`. */
export function readBoot(): Boot {
  const id = readSystemFile("/proc/sys/kernel/random/boot_id")?.trim();
  return { id: id === "" ? undefined : id, uptimeMs: Math.round(Deno.osUptime() * 1_000) };
}
