/**
 * The limits for each component of the program. A change that needs more raises its limit here, and its commit says
 * why. Packages are pinned, so their limits are tight; ours are twice the size at the time they were set.
 */

import type { Component } from "./components.ts";

/** The limits for a bundle and its start. */
export interface Allowances {
  /** For each component of the bundle, all of which must be listed. */
  components: Readonly<Record<string, Component>>;
  /** The packages and modules of the runtime that are loaded at the start. */
  start: readonly string[];
  /**
   * What an import may cost on top of an empty process: processor time as a multiple of what `runtimeName` takes in the
   * same run, because milliseconds of one machine say nothing on another, and memory.
   */
  costs: Readonly<Record<string, { processorRatio: number; rssMib: number }>>;
}

/** The row of the runtime's own modules, with which the processor time of all others is compared. */
export const runtimeName = "node:";

/**
 * For the whole bundle: its minified size and the number of its modules. A fifth of them is loaded at the first use
 * only: terminals, tunnels, networks, updates, the installation as a service.
 */
export const bundleLimits = { payloadBytes: 1_200_000, modules: 720 };

/** The limits. Costs allow a fifth more time than was seen, and one and a half times the memory. */
export const allowances: Allowances = {
  components: {
    "main": { modules: 1, bytes: 6_000 },
    // The version stands there.
    "deno.json": { modules: 1, bytes: 8_000 },
    "lib/agent": { modules: 22, bytes: 60_000 },
    "lib/app_logs": { modules: 32, bytes: 140_000 },
    "lib/apps": { modules: 170, bytes: 560_000 },
    "lib/async": { modules: 16, bytes: 16_000 },
    "lib/backend": { modules: 6, bytes: 20_000 },
    "lib/base": { modules: 18, bytes: 20_000 },
    "lib/config": { modules: 6, bytes: 31_000 },
    "lib/dbus": { modules: 14, bytes: 52_000 },
    "lib/disk_space": { modules: 18, bytes: 54_000 },
    "lib/docker": { modules: 40, bytes: 132_000 },
    "lib/files": { modules: 24, bytes: 47_500 },
    "lib/flags": { modules: 6, bytes: 19_000 },
    "lib/handlers": { modules: 22, bytes: 60_000 },
    "lib/host": { modules: 30, bytes: 60_000 },
    "lib/http": { modules: 4, bytes: 13_000 },
    "lib/install": { modules: 24, bytes: 60_000 },
    "lib/local": { modules: 34, bytes: 80_000 },
    "lib/log": { modules: 28, bytes: 80_000 },
    "lib/model": { modules: 12, bytes: 16_000 },
    // Loaded with its first use, but for the way in.
    "lib/network": { modules: 28, bytes: 108_000 },
    "lib/os_update": { modules: 16, bytes: 44_000 },
    "lib/paths": { modules: 1, bytes: 6_000 },
    "lib/profiling": { modules: 1, bytes: 13_500 },
    "lib/self_update": { modules: 28, bytes: 80_000 },
    "lib/status": { modules: 6, bytes: 14_000 },
    "lib/store": { modules: 20, bytes: 68_000 },
    "lib/telemetry": { modules: 12, bytes: 30_000 },
    "lib/tunnels": { modules: 40, bytes: 120_000 },
    "lib/terminals": { modules: 34, bytes: 90_000 },
    "lib/version": { modules: 1, bytes: 600 },
    "lib/wamp": { modules: 44, bytes: 160_000 },

    "@logtape/logtape": { modules: 13, bytes: 105_000 },
    "autobahn": { modules: 3, bytes: 48_000 },
    "when": { modules: 1, bytes: 4_400 },
    "ws": { modules: 14, bytes: 125_000 },
    "dockerode": { modules: 15, bytes: 120_000 },
    "docker-modem": { modules: 5, bytes: 24_000 },
    // Replaces dependencies of dockerode that the agent does not use.
    "empty-npm-package": { modules: 1, bytes: 300 },
    // Reads and writes messages of the system bus, and is loaded with the first call.
    "dbus-native": { modules: 12, bytes: 56_000 },
    "debug": { modules: 4, bytes: 16_000 },
    "ms": { modules: 1, bytes: 3_000 },
    // The folder of ours that stands for it: docs/decisions/0023.
    "readable-stream": { modules: 1, bytes: 300 },
    "split-ca": { modules: 1, bytes: 1_100 },
    // Reads archives of uploads, and is loaded with the first one.
    "tar-stream": { modules: 5, bytes: 29_000 },
    "streamx": { modules: 2, bytes: 40_000 },
    "text-decoder": { modules: 3, bytes: 7_500 },
    "b4a": { modules: 1, bytes: 5_100 },
    "fast-fifo": { modules: 2, bytes: 2_600 },
    "events-universal": { modules: 1, bytes: 300 },
  },
  start: [
    "deno.json",
    "node:crypto",
    "node:fs/promises",
    "node:http",
    "node:https",
    "node:net",
    "node:os",
    "node:sqlite",
    "node:tls",
    "npm:@logtape/logtape",
    "npm:autobahn",
    "npm:dockerode",
    "npm:ws",
  ],
  costs: {
    "node:": { processorRatio: 1, rssMib: 20 },
    "autobahn": { processorRatio: 0.8, rssMib: 16 },
    "ws": { processorRatio: 1.45, rssMib: 22 },
    "dockerode": { processorRatio: 1.6, rssMib: 25 },
    "@logtape/logtape": { processorRatio: 0.45, rssMib: 9.5 },
    "lib/wamp": { processorRatio: 1.6, rssMib: 22 },
    "lib/docker": { processorRatio: 1.9, rssMib: 25 },
    "lib/store": { processorRatio: 0.25, rssMib: 4 },
    "lib/log": { processorRatio: 0.55, rssMib: 10 },
    "lib/app_logs": { processorRatio: 0.2, rssMib: 2 },
    // Includes node:crypto, which the agent loads for ws anyway.
    "lib/apps": { processorRatio: 1.9, rssMib: 18 },
    "the whole agent": { processorRatio: 3.4, rssMib: 31 },
  },
};
