/** What a test and its agent process say to each other: orders in one file, events in another, a line of JSON each. */

import type { Goal } from "../../lib/apps/plan/steps.ts";
import type { DeviceApp } from "../../scripts/studio/device_apps.ts";

/** A fault, done by the agent process itself at the very moment. */
export type Strike =
  | { kind: "kill" }
  | { kind: "run"; program: string; args: readonly string[] }
  | { kind: "cutLink" }
  | { kind: "moveClock"; ms: number };

/** Where a strike happens: right before or right after a step. */
export interface Moment {
  goal: Goal;
  /** As `nameOfStep()` gives it. */
  step: string;
  at: "begin" | "end";
}

/** What the agent process is to do. */
export type Order =
  /** Begins the agent's life; `app` is what Studio knows of the app. */
  | { do: "begin"; app: DeviceApp | undefined }
  | { do: "arm"; moment: Moment; strike: Strike }
  /** Studio wants this of the app. */
  | { do: "ask"; app: DeviceApp }
  /** The link is there again. */
  | { do: "connect" }
  /** The engine's disk has room again, as the guard of the disk tells. */
  | { do: "resume" };

/** What the agent process tells. */
export type Event =
  | { event: "ready" }
  | { event: "connected" }
  /** A step begins. */
  | { event: "step"; goal: string; step: string }
  /** The armed strike is about to be done. */
  | { event: "struck" }
  /** Studio knows this of the app. */
  | { event: "told"; app: DeviceApp }
  | { event: "transition"; goal: string; phase: "begins" | "ended" };

/** Where an agent process finds everything. */
export interface AgentPlace {
  ordersFile: string;
  eventsFile: string;
  /** Of the database and the apps. */
  folder: string;
  engineHost: string;
  registryHost: string;
}

/** Appends one line; it is in the file when this returns. */
export function appendLine(path: string, value: Order | Event): void {
  Deno.writeTextFileSync(path, `${JSON.stringify(value)}\n`, { append: true });
}

/** The whole lines of a file from `offset` on, and the offset behind them. */
export function readLines<T>(path: string, offset: number): { lines: T[]; offset: number } {
  const bytes = Deno.readFileSync(path).subarray(offset);
  const end = bytes.lastIndexOf(10) + 1;
  const text = new TextDecoder().decode(bytes.subarray(0, end));
  const lines = text.split("\n").filter((line) => line !== "").map((line): T => JSON.parse(line));
  return { lines, offset: offset + end };
}
