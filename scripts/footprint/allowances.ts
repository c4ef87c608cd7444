/**
 * What each part of the program may weigh. A change that needs more changes its line here, and its commit says why. Packages are
 * pinned, so their lines are tight; what is ours may grow to twice what it was when its line was written.
 */

import type { Part } from "./parts.ts";

/** What is allowed. */
export interface Allowances {
  /** Of the bundle: each part must have a line. */
  parts: Readonly<Record<string, Part>>;
  /** What is loaded at the start and is not ours: packages, and modules of the runtime. */
  start: readonly string[];
  /** What an import may cost beyond a bare process, by the name of its row. */
  costs: Readonly<Record<string, { processorMs: number; rssMib: number }>>;
}

/** Of the whole bundle, minified, and of the modules that it is made of. */
export const bundleLimits = { payloadBytes: 1_000_000, modules: 600 };

/** The lines. Costs have room for a busy machine: twice the time, one and a half times the memory. */
export const allowances: Allowances = {
  parts: {
    "main": { modules: 1, bytes: 6_000 },
    "lib/agent": { modules: 1, bytes: 22_000 },
    "lib/apps": { modules: 72, bytes: 310_000 },
    "lib/base": { modules: 22, bytes: 26_000 },
    "lib/boot": { modules: 14, bytes: 25_000 },
    "lib/config": { modules: 8, bytes: 38_000 },
    "lib/disk": { modules: 6, bytes: 19_000 },
    "lib/docker": { modules: 24, bytes: 104_000 },
    "lib/flags": { modules: 6, bytes: 19_000 },
    "lib/handlers": { modules: 20, bytes: 42_000 },
    "lib/host": { modules: 16, bytes: 40_000 },
    "lib/logs": { modules: 36, bytes: 145_000 },
    "lib/paths": { modules: 1, bytes: 2_200 },
    "lib/profiling": { modules: 1, bytes: 13_500 },
    "lib/store": { modules: 18, bytes: 66_000 },
    "lib/system": { modules: 22, bytes: 62_000 },
    "lib/version": { modules: 1, bytes: 600 },
    "lib/wamp": { modules: 44, bytes: 173_000 },

    "@logtape/logtape": { modules: 13, bytes: 105_000 },
    "autobahn": { modules: 3, bytes: 48_000 },
    "when": { modules: 1, bytes: 4_400 },
    "ws": { modules: 14, bytes: 125_000 },
    "dockerode": { modules: 15, bytes: 120_000 },
    "docker-modem": { modules: 5, bytes: 24_000 },
    // Stands in for what dockerode brings and the agent does not use.
    "empty-npm-package": { modules: 1, bytes: 300 },
    "debug": { modules: 4, bytes: 16_000 },
    "ms": { modules: 1, bytes: 3_000 },
    "readable-stream": { modules: 15, bytes: 87_000 },
    "inherits": { modules: 2, bytes: 1_400 },
    "safe-buffer": { modules: 1, bytes: 1_900 },
    "split-ca": { modules: 1, bytes: 1_100 },
    "string_decoder": { modules: 1, bytes: 7_500 },
    "util-deprecate": { modules: 1, bytes: 250 },
  },
  start: [
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
    "node:": { processorMs: 80, rssMib: 20 },
    "autobahn": { processorMs: 60, rssMib: 16 },
    "ws": { processorMs: 100, rssMib: 22 },
    "dockerode": { processorMs: 120, rssMib: 25 },
    "@logtape/logtape": { processorMs: 30, rssMib: 9.5 },
    "lib/wamp": { processorMs: 110, rssMib: 22 },
    "lib/docker": { processorMs: 120, rssMib: 25 },
    "lib/store": { processorMs: 15, rssMib: 4 },
    "lib/logs": { processorMs: 35, rssMib: 11 },
    // With node:crypto, which the whole agent has from ws anyway.
    "lib/apps": { processorMs: 45, rssMib: 16 },
    "the whole agent": { processorMs: 180, rssMib: 31 },
  },
};
