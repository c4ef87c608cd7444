/** The rows of what puts the agent, a fleet or a whole day to the test. Pure. */

import { busiestSecondBar, fleetBarMs } from "./fleet_bars.ts";
import type { Row } from "./row.ts";

const bareAnswers = "2,000 in flight of a program that only answers";
const busiest = { kind: "most", limit: 100 * busiestSecondBar } as const;
/** The last tenth may take so much more than the first. */
const flat = { kind: "most", limit: 3 } as const;
const none = { kind: "most", limit: 0 } as const;

/** In the order in which they are shown. */
export const heavyRows = {
  "load.heartbeat": {
    group: "load",
    name: "2,000 calls, 10 logs, 100 MB pull: late beat",
    unit: "ms",
    bar: { kind: "most", limit: 2_000 },
  },
  "load.call.most": {
    group: "load",
    name: "… slowest call",
    unit: "ms",
    bar: { kind: "most", limit: 250 },
    yardstick: bareAnswers,
  },
  "load.call.p50": { group: "load", name: "… calls, p50", unit: "ms", yardstick: bareAnswers },
  "load.call.failed": { group: "load", name: "… calls that failed", unit: "", bar: none },
  "load.rate": { group: "load", name: "… answers", unit: "calls/s" },
  "load.lines": { group: "load", name: "… log lines, 1,000 printed a second", unit: "lines/s" },
  "load.dropped": { group: "load", name: "… log lines dropped", unit: "lines", bar: none },
  "load.pull": { group: "load", name: "… pull of 100 MB → RUNNING", unit: "ms" },
  "load.rss": { group: "load", name: "… memory (RSS) at the end", unit: "MiB" },
  "fleet.p99": {
    group: "fleet",
    name: "1,000 agents, no router 30 s: back, p99",
    unit: "ms",
    bar: { kind: "most", limit: fleetBarMs(30) },
  },
  "fleet.busiest": { group: "fleet", name: "… of them in the busiest second", unit: "%", bar: busiest },
  "fleet.missing": { group: "fleet", name: "… not back", unit: "", bar: none },
  "fleet.router.processor": { group: "fleet", name: "… processor time of the router until then", unit: "ms" },
  "fleet.router.rss": { group: "fleet", name: "… memory (RSS) of the router", unit: "MiB" },
  "absence.p99": {
    group: "absence",
    name: "1,000 agents, no router 10 min: back, p99",
    unit: "ms",
    bar: { kind: "most", limit: fleetBarMs(600) },
  },
  "absence.busiest": { group: "absence", name: "… of them in the busiest second", unit: "%", bar: busiest },
  "absence.missing": { group: "absence", name: "… not back", unit: "", bar: none },
  "day.growth": {
    group: "day",
    name: "a day of logs and reconnects: RSS, growth",
    unit: "MiB",
    bar: flat,
  },
  "day.rss": { group: "day", name: "… RSS at its end", unit: "MiB" },
  "day.heap": { group: "day", name: "… heap after a collection, growth", unit: "MiB" },
  "transitions.growth": {
    group: "transitions",
    name: "the 500 transitions of a day: RSS, growth",
    unit: "MiB",
    bar: flat,
  },
  "transitions.rss": { group: "transitions", name: "… RSS at their end", unit: "MiB" },
  "transitions.ms": { group: "transitions", name: "… each, asked for → reported", unit: "ms" },
} satisfies Readonly<Record<string, Row>>;
