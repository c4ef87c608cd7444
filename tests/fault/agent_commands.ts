/**
 * The protocol between a fault test and its agent process: commands in one file, events in another, as lines of JSON.
 */

import type { DeviceApp } from "../../scripts/studio/device_apps.ts";

/** How the agent process causes a fault at the exact moment. */
export type FaultAction =
  | { kind: "kill" }
  | { kind: "run"; program: string; args: readonly string[] }
  | { kind: "cutLink" }
  | { kind: "moveClock"; ms: number };

/** When a fault happens: right before or right after a step. */
export interface FaultPoint {
  goal: string;
  /** As returned by `stepName()`. */
  step: string;
  at: "begin" | "end";
}

/** A command for the agent process. */
export type AgentCommand =
  /** Starts the agent; `app` is what Studio knows of the app. */
  | { do: "start"; app: DeviceApp | undefined }
  /** Prepares a fault. */
  | { do: "arm"; point: FaultPoint; action: FaultAction }
  /** Requests a state of the app, as Studio does. */
  | { do: "request"; app: DeviceApp }
  /** Restores the connection. */
  | { do: "connect" }
  /** Reports that the engine's disk has free space again, as the guard of the disk does. */
  | { do: "resume" };

/** An event of the agent process. */
export type AgentEvent =
  | { event: "ready" }
  | { event: "connected" }
  /** A step begins. */
  | { event: "step"; goal: string; step: string }
  /** The prepared fault is about to happen. */
  | { event: "fault" }
  /** What Studio knows of the app has changed. */
  | { event: "known"; app: DeviceApp }
  | { event: "transition"; goal: string; phase: "begins" | "ended" };

/** How an agent process is started. */
export interface AgentSettings {
  commandsFile: string;
  eventsFile: string;
  /** The folder of the database and the apps. */
  folder: string;
  engineHost: string;
  registryHost: string;
}

/** Appends one line; it is in the file when this returns. */
export function appendLine(path: string, value: AgentCommand | AgentEvent): void {
  Deno.writeTextFileSync(path, `${JSON.stringify(value)}\n`, { append: true });
}

/** Reads the complete lines of a file from `offset` on. Returns them with the offset of the next line. */
export function readLines<T>(path: string, offset: number): { lines: T[]; offset: number } {
  const bytes = Deno.readFileSync(path).subarray(offset);
  const end = bytes.lastIndexOf(10) + 1;
  const text = new TextDecoder().decode(bytes.subarray(0, end));
  const lines = text.split("\n").filter((line) => line !== "").map((line): T => JSON.parse(line));
  return { lines, offset: offset + end };
}
