/** The rows of what is reached on a device: apps through tunnels, and the agent on its command line. Pure. */

import type { Row } from "./row.ts";

/** The rows in the order in which they are shown. */
export const reachRows = {
  "tunnels.open": {
    group: "tunnels",
    name: "app with an active port RUNNING → reached through frps",
    unit: "ms",
    target: { kind: "atMost", limit: 1_000 },
  },
  "tunnels.killed": {
    group: "tunnels",
    name: "tunnel client killed → reached again",
    unit: "ms",
    target: { kind: "atMost", limit: 4_000 },
  },
  "tunnels.rss": {
    group: "tunnels",
    name: "memory (RSS), idle, of 10 tunnels",
    unit: "MiB",
    target: { kind: "atMost", limit: 2 },
  },
  "tunnels.client.rss": { group: "tunnels", name: "… of the tunnel client itself", unit: "MiB" },
  "local.status": {
    group: "local",
    name: "reagent status",
    unit: "ms",
    target: { kind: "atMost", limit: 150 },
    yardstick: "reagent -version",
  },
} as const satisfies Record<string, Row>;
