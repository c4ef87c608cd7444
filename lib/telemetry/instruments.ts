/**
 * What is measured: names, units and attributes, after the semantic conventions of OpenTelemetry where they have a name
 * for it, and below `reagent.` otherwise. Data only.
 */

import type { Activity } from "../base/recorder.ts";

/** How values of an instrument belong together. */
export type InstrumentKind = "counter" | "upDownCounter" | "gauge" | "histogram";

/** One instrument. */
export interface Instrument {
  name: string;
  kind: InstrumentKind;
  /** As UCUM spells it: `s`, `By`, `{thread}`; empty for none. */
  unit: string;
  description: string;
}

/** The attributes of a value. */
export type Attributes = Readonly<Record<string, string>>;

/** A value that is read when somebody asks. */
export interface Measured {
  instrument: Instrument;
  value: number;
  attributes: Attributes;
}

/** The upper bounds of the buckets of a duration, in seconds. */
export interface DurationInstrument extends Instrument {
  kind: "histogram";
  boundsSeconds: readonly number[];
  /** The attribute that has the name of the activity. */
  nameAttribute: string;
  /** The same for all values. */
  fixed: Attributes;
}

/** The bounds that the conventions recommend for calls. */
const callBounds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** A download may take hours. */
const workBounds = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600];

/** Durations of work, by its kind. */
export const durations: Readonly<Record<Activity["kind"], DurationInstrument>> = {
  call: {
    name: "rpc.server.call.duration",
    kind: "histogram",
    unit: "s",
    description: "Duration of calls of the device's procedures",
    boundsSeconds: callBounds,
    nameAttribute: "rpc.method",
    fixed: { "rpc.system.name": "wamp" },
  },
  transition: {
    name: "reagent.app.transition.duration",
    kind: "histogram",
    unit: "s",
    description: "Duration of transitions of apps",
    boundsSeconds: workBounds,
    nameAttribute: "reagent.app.goal",
    fixed: {},
  },
  step: {
    name: "reagent.app.step.duration",
    kind: "histogram",
    unit: "s",
    description: "Duration of the steps of transitions",
    boundsSeconds: workBounds,
    nameAttribute: "reagent.app.step",
    fixed: {},
  },
};

/** The attribute that says why work has failed. */
export const errorAttribute = "error.type";

/** What is read when somebody asks. */
export const observed = {
  cpuTime: counter("process.cpu.time", "s", "Processor time of the agent"),
  memory: sum("process.memory.usage", "By", "Physical memory of the agent"),
  uptime: gauge("process.uptime", "s", "Time since the start of the agent"),
  threads: sum("process.thread.count", "{thread}", "Threads of the agent"),
  descriptors: sum("process.unix.file_descriptor.count", "{file_descriptor}", "What the agent holds open"),
  connected: gauge("reagent.connection.established", "", "1 while the agent is connected to Studio, 0 otherwise"),
  heard: gauge("reagent.connection.silence", "s", "Time since the router was last heard"),
  waiting: sum("reagent.connection.waiting", "By", "Data that waits to be sent to the router"),
  apps: sum("reagent.app.count", "{app}", "Apps of the device by their state"),
  diskUsage: sum("system.filesystem.usage", "By", "Space of the file systems that the agent needs"),
} as const satisfies Record<string, Instrument>;

function counter(name: string, unit: string, description: string): Instrument {
  return { name, kind: "counter", unit, description };
}

function sum(name: string, unit: string, description: string): Instrument {
  return { name, kind: "upDownCounter", unit, description };
}

function gauge(name: string, unit: string, description: string): Instrument {
  return { name, kind: "gauge", unit, description };
}
