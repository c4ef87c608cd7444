/** Parts for handlers under test: harmless answers, which a test replaces by what it is about. */

import { silentLog } from "../../lib/base/log.ts";
import type { HandlerParts } from "../../lib/handlers/device.ts";

/** A signal that never ends. */
export const never = new AbortController().signal;

/** Twelve figures. */
export const stats = {
  cpu_count: 4,
  cpu_usage: 7.5,
  memory_total: 4_102_000_000,
  memory_used: 900_000_000,
  memory_available: 3_000_000_000,
  storage_total: 31_000_000_000,
  storage_used: 9_000_000_000,
  storage_free: 22_000_000_000,
  docker_apps_total: 0,
  docker_apps_used: 0,
  docker_apps_free: 0,
  docker_apps_mounted: false,
};

/** What handlers get. Every caller has every privilege, and nothing happens to the machine. */
export function createParts(change: Partial<HandlerParts> = {}): HandlerParts {
  return {
    serialNumber: "SN-1",
    checkPrivilege: () => Promise.resolve(true),
    requestAppState: () => Promise.resolve(),
    engine: {
      listImages: () => Promise.resolve([]),
      listContainersRaw: () => Promise.resolve([]),
      pruneDanglingImages: () => Promise.resolve(),
    },
    runCommand: () => Promise.resolve({ code: 0, stdout: "", stderr: "", droppedBytes: 0 }),
    readLogHistory: () => Promise.resolve([]),
    readStats: () => Promise.resolve(stats),
    readInterfaces: () => [],
    readAgentFacts: () => Promise.resolve({ os: "linux debian 13.3", arch: "arm", variant: "v7", version: "0.21.0" }),
    tunnelCapable: () => false,
    readLatestVersion: () => Promise.resolve("0.21.0"),
    schedulePower: () => {},
    wall: () => new Date("2031-03-05T07:00:00.789Z"),
    log: silentLog,
    ...change,
  };
}
