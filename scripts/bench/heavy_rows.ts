/** The rows of load tests: of one agent, of a fleet, and of a whole day. Pure. */

import { busiestSecondTarget, fleetTargetMs } from "./fleet_targets.ts";
import type { Row } from "./row.ts";

const bareAnswers = "2,000 calls in flight to a program that only answers";
const busiest = { kind: "atMost", limit: 100 * busiestSecondTarget } as const;
/** How much more memory the last tenth of a day may use than the first. */
const flat = { kind: "atMost", limit: 3 } as const;
const none = { kind: "atMost", limit: 0 } as const;

/** The rows in the order in which they are shown. */
export const heavyRows = {
  "load.heartbeat": {
    group: "load",
    name: "2,000 calls, 10 logs, 100 MB pull: late beat",
    unit: "ms",
    target: { kind: "atMost", limit: 2_000 },
  },
  "load.call.most": {
    group: "load",
    name: "… slowest call",
    unit: "ms",
    target: { kind: "atMost", limit: 250 },
    yardstick: bareAnswers,
  },
  "load.call.p50": { group: "load", name: "… calls, p50", unit: "ms", yardstick: bareAnswers },
  "load.call.failed": { group: "load", name: "… calls that failed", unit: "", target: none },
  "load.rate": { group: "load", name: "… answers", unit: "calls/s" },
  "load.lines": { group: "load", name: "… log lines, 1,000 printed a second", unit: "lines/s" },
  "load.dropped": { group: "load", name: "… log lines dropped", unit: "lines", target: none },
  "load.pull": { group: "load", name: "… pull of 100 MB → RUNNING", unit: "ms" },
  "load.rss": { group: "load", name: "… memory (RSS) at the end", unit: "MiB" },
  "fleet.p99": {
    group: "fleet",
    name: "1,000 agents, no router 30 s: back, p99",
    unit: "ms",
    target: { kind: "atMost", limit: fleetTargetMs(30) },
  },
  "fleet.busiest": { group: "fleet", name: "… of them in the busiest second", unit: "%", target: busiest },
  "fleet.missing": { group: "fleet", name: "… not back", unit: "", target: none },
  "fleet.router.processor": { group: "fleet", name: "… processor time of the router until then", unit: "ms" },
  "fleet.router.rss": { group: "fleet", name: "… memory (RSS) of the router", unit: "MiB" },
  "absence.p99": {
    group: "absence",
    name: "1,000 agents, no router 10 min: back, p99",
    unit: "ms",
    target: { kind: "atMost", limit: fleetTargetMs(600) },
  },
  "absence.busiest": { group: "absence", name: "… of them in the busiest second", unit: "%", target: busiest },
  "absence.missing": { group: "absence", name: "… not back", unit: "", target: none },
  "day.growth": {
    group: "day",
    name: "a day of logs and reconnects: RSS, growth",
    unit: "MiB",
    target: flat,
  },
  "day.rss": { group: "day", name: "… RSS at its end", unit: "MiB" },
  "day.heap": { group: "day", name: "… heap after a collection, growth", unit: "MiB" },
  "transitions.growth": {
    group: "transitions",
    name: "the 500 transitions of a day: RSS, growth",
    unit: "MiB",
    target: flat,
  },
  "transitions.rss": { group: "transitions", name: "… RSS at their end", unit: "MiB" },
  "transitions.ms": { group: "transitions", name: "… each, asked for → reported", unit: "ms" },
  "logQuery.app": {
    group: "log_query",
    name: "5,000 lines of an app's log of 1 GiB",
    unit: "ms",
    target: { kind: "atMost", limit: 3_000 },
  },
  "logQuery.own": {
    group: "log_query",
    name: "… of the agent's own log of 1 GiB",
    unit: "ms",
    target: { kind: "atMost", limit: 3_000 },
  },
  "logQuery.search": { group: "log_query", name: "… a level that is nowhere in it", unit: "ms" },
  "logQuery.call": {
    group: "log_query",
    name: "… ten queries at once: slowest other call",
    unit: "ms",
    target: { kind: "atMost", limit: 1_000 },
  },
  "logQuery.rss": {
    group: "log_query",
    name: "… one after the other: memory (RSS), growth",
    unit: "MiB",
    target: { kind: "atMost", limit: 20 },
  },
  "logQuery.rss.many": { group: "log_query", name: "… with those that read all, and ten at once", unit: "MiB" },
} satisfies Readonly<Record<string, Row>>;
