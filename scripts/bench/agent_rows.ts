/** The rows of one agent that does its regular work. Pure. */

import type { Row, Target, TargetLimit } from "./row.ts";

const atMost = (limit: TargetLimit): Target => ({ kind: "atMost", limit });
const atLeast = (limit: TargetLimit): Target => ({ kind: "atLeast", limit });

const emptyProgram = "an empty program, launch → end";
const bareAnswer = "a program that only answers (device_handshake)";
const engineAnswer = "the engine's own answer (list_containers)";
const engineInstall = "the engine's own pull, create and start";
const engineSwitch = "the engine's own stop and start";

/** The rows in the order in which they are shown. */
export const agentRows = {
  "start.status.0": {
    group: "start",
    name: "launch → first status, 0 apps",
    unit: "ms",
    target: atMost({ source: 650, bundle: 450 }),
    reference: [320],
    yardstick: emptyProgram,
  },
  "start.connected.0": {
    group: "start",
    name: "launch → CONNECTED, 0 apps",
    unit: "ms",
    target: atMost(700),
    reference: [550],
    yardstick: emptyProgram,
  },
  "start.processor.0": { group: "start", name: "processor time until CONNECTED, 0 apps", unit: "ms" },
  "start.status.10": {
    group: "start",
    name: "launch → first status, 10 apps",
    unit: "ms",
    target: atMost(700),
    reference: [1_950],
    yardstick: emptyProgram,
  },
  "start.connected.10": {
    group: "start",
    name: "launch → CONNECTED, 10 apps",
    unit: "ms",
    target: atMost(1_000),
    reference: [4_030],
    yardstick: emptyProgram,
  },
  "start.processor.10": { group: "start", name: "processor time until CONNECTED, 10 apps", unit: "ms" },
  "memory.rss": {
    group: "memory",
    name: "memory (RSS), idle for 60 s, 10 apps",
    unit: "MiB",
    target: atMost({ source: 78, bundle: 62 }),
    reference: [41],
  },
  "memory.processor": {
    group: "memory",
    name: "processor, idle, 10 apps",
    unit: "%",
    target: atMost(0.5),
    reference: [1],
  },
  "calls.handshake.p50": {
    group: "calls",
    name: "device_handshake, p50",
    unit: "ms",
    target: atMost({ embedded: 0.8, crossbar: 1.24 }),
    reference: [1.24],
    yardstick: bareAnswer,
  },
  "calls.handshake.p99": {
    group: "calls",
    name: "device_handshake, p99",
    unit: "ms",
    target: atMost({ embedded: 4, crossbar: 3.5 }),
    reference: [2, 3.5],
    yardstick: bareAnswer,
  },
  "calls.containers.p50": {
    group: "calls",
    name: "list_containers, 10 containers, p50",
    unit: "ms",
    target: { kind: "aboveYardstick", limit: 1.5 },
    reference: [5.2],
    yardstick: engineAnswer,
  },
  "calls.containers.p99": {
    group: "calls",
    name: "list_containers, 10 containers, p99",
    unit: "ms",
    target: { kind: "aboveYardstick", limit: 1.5 },
    reference: [12],
    yardstick: engineAnswer,
  },
  "calls.list.p50": { group: "calls", name: "… a program that knows the list by heart, p50", unit: "ms" },
  "calls.list.p99": { group: "calls", name: "… a program that knows the list by heart, p99", unit: "ms" },
  "calls.storage.rate": {
    group: "calls",
    name: "get_storage_data, 64 in flight",
    unit: "calls/s",
    target: atLeast(4_000),
    reference: [1_700, 2_000],
  },
  "calls.storage.processor": { group: "calls", name: "… processor time of the agent for 1,000 of them", unit: "ms" },
  "calls.heartbeat": {
    group: "calls",
    name: "heartbeat meanwhile, latest beyond its 30 s",
    unit: "ms",
    // A heartbeat follows 30 s after the end of the previous one; this is how late it may be.
    target: atMost(2_000),
  },
  "reconcile.ms": {
    group: "reconcile",
    name: "reconcile after a lost link, 50 apps as wanted",
    unit: "ms",
    target: atMost(1_500),
    reference: [5_000],
  },
  "reconcile.calls": {
    group: "reconcile",
    name: "… calls to the engine",
    unit: "",
    target: atMost(60),
  },
  "reconcile.start.ms": {
    group: "reconcile",
    name: "reconcile of a start, 50 apps as wanted",
    unit: "ms",
    target: atMost(1_500),
    reference: [5_000],
  },
  "reconcile.start.calls": {
    group: "reconcile",
    name: "… calls to the engine, from the launch on",
    unit: "",
    target: atMost(60),
  },
  "install.total": {
    group: "install",
    name: "install → RUNNING",
    unit: "ms",
    yardstick: engineInstall,
  },
  "install.beyond": {
    group: "install",
    name: "install → RUNNING, beyond the engine's own",
    unit: "ms",
    target: atMost(60),
    reference: [75, 120],
  },
  "install.ten": {
    group: "install",
    name: "10 apps asked for at once → RUNNING",
    unit: "ms",
    target: atMost(2_000),
    reference: [2_500],
    yardstick: engineInstall,
  },
  "update.large": {
    group: "update",
    name: "update, without the app, 20 MB at 32 Mbit/s",
    unit: "ms",
    target: { kind: "aboveYardstick", limit: 100 },
    reference: [6_600],
    yardstick: engineSwitch,
  },
  "update.small": {
    group: "update",
    name: "update, without the app, 1 MB, fast link",
    unit: "ms",
    target: { kind: "aboveYardstick", limit: 100 },
    yardstick: engineSwitch,
  },
  "logs.processor": {
    group: "logs",
    name: "log of 1,900 lines/s, one viewer: processor",
    unit: "% per 1,000 lines/s",
    target: atMost(2.2),
    reference: [2.2, 2.7],
  },
  "logs.processor.unseen": {
    group: "logs",
    name: "log of 1,900 lines/s, no viewer: processor",
    unit: "% per 1,000 lines/s",
  },
  "logs.flood.rate": {
    group: "logs",
    name: "log flood, 18,000 lines/s: delivered",
    unit: "lines/s",
    target: atLeast(18_000),
    reference: [13_000],
    yardstick: "what the app printed",
  },
  "logs.flood.processor": { group: "logs", name: "log flood: processor", unit: "% per 1,000 lines/s" },
  "logs.flood.dropped": {
    group: "logs",
    name: "log flood: dropped in 20 s",
    unit: "lines",
    target: atMost(0),
  },
  "logs.flood.p50": {
    group: "logs",
    name: "log flood: device_handshake, p50",
    unit: "ms",
    target: atMost(3),
    reference: [3.2],
  },
  "logs.flood.most": {
    group: "logs",
    name: "log flood: device_handshake, slowest",
    unit: "ms",
    target: atMost(50),
    reference: [51],
  },
  "logs.flood.rss": {
    group: "logs",
    name: "log flood: memory (RSS), most",
    unit: "MiB",
    target: atMost(90),
    reference: [65],
  },
  "stop.ms": {
    group: "stop",
    name: "SIGTERM → exit, all written, 10 apps",
    unit: "ms",
    target: atMost(300),
    reference: [10],
  },
  "payload.bytes": {
    group: "payload",
    name: "bundle that the executable embeds",
    unit: "bytes",
    target: atMost(1_000_000),
  },
  "payload.brotli": { group: "payload", name: "… compressed with brotli", unit: "bytes" },
  "payload.modules": { group: "payload", name: "modules before bundling", unit: "modules", target: atMost(600) },
} satisfies Readonly<Record<string, Row>>;
