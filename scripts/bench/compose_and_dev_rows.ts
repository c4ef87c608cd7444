/** The rows of compose and DEV apps. Pure. */

import type { Row, Target } from "./row.ts";

const atMost = (limit: number): Target => ({ kind: "atMost", limit });
const aboveYardstick = (limit: number): Target => ({ kind: "aboveYardstick", limit });

const composeAlone = "docker compose up -d --wait";
const engineSwitch = "the engine's own stop and start";
const bareUpload = "the same calls to a program that only answers";
const engineBuild = "the engine's own build";
/** A person who cancels something sees it end. */
const cancel = atMost(1_000);

/** The rows in the order in which they are shown. */
export const composeAndDevRows = {
  "compose.run": {
    group: "compose",
    name: "compose app of 3 services, images here → RUNNING",
    unit: "ms",
    target: aboveYardstick(400),
    yardstick: composeAlone,
  },
  "compose.update.changed": {
    group: "compose",
    name: "update of 20 MB at 32 Mbit/s: without the service that changed",
    unit: "ms",
    target: aboveYardstick(500),
    yardstick: engineSwitch,
  },
  "compose.update.others": { group: "compose", name: "… without another service", unit: "ms", target: atMost(0) },
  "compose.cancel.pull": {
    group: "compose",
    name: "… canceled during its pull → STOPPING",
    unit: "ms",
    target: cancel,
  },
  "compose.reconcile.ms": {
    group: "compose",
    name: "reconcile of a start, 20 compose apps of 3 services as wanted",
    unit: "ms",
    target: atMost(1_000),
  },
  "compose.reconcile.calls": {
    group: "compose",
    name: "… calls to the engine, from the launch on, without logs",
    unit: "",
    target: atMost(30),
  },
  "compose.reconcile.streams": { group: "compose", name: "… logs that are followed", unit: "" },
  "compose.reconcile.commands": { group: "compose", name: "… docker commands", unit: "", target: atMost(0) },
  "compose.rss": {
    group: "compose",
    name: "memory (RSS), idle for 60 s, 10 apps and 5 compose apps",
    unit: "MiB",
    target: atMost(64),
  },
  "dev.build": {
    group: "dev",
    name: "DEV app: upload of 50 MB and build → BUILT",
    unit: "ms",
    target: aboveYardstick(1_500),
    yardstick: engineBuild,
  },
  "dev.upload": { group: "dev", name: "… the upload of it", unit: "ms", yardstick: bareUpload },
  "dev.upload.processor": { group: "dev", name: "… processor time of the agent for it", unit: "ms" },
  "dev.heartbeat": { group: "dev", name: "… late beat", unit: "ms", target: atMost(2_000) },
  "dev.cancel.build": { group: "dev", name: "cancel of a running build", unit: "ms", target: cancel },
  "dev.cancel.push": { group: "dev", name: "cancel of a running push", unit: "ms", target: cancel },
} satisfies Readonly<Record<string, Row>>;
