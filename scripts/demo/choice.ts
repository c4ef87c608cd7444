/**
 * Chooses the engine of the demo: the one of this machine if the demo cannot disturb others there, else a private one.
 * Pure.
 */

import type { EngineInfo } from "./docker.ts";

/** The state of this machine. */
export interface MachineState {
  /** The running engine; undefined when there is none. */
  engine: (EngineInfo & { host: string; foreignContainers: readonly string[] }) | undefined;
  /** An agent, or another demo, holds the lock of this machine. Only checked when an engine is running. */
  isAgentRunning: boolean;
  hostname: string;
  /** Why a private engine cannot be started; undefined when it can. */
  noBox: string | undefined;
}

/** The engine that the demo uses, and why. `because` and `need` are sentences for the user. */
export type EngineChoice =
  | { kind: "existing"; host: string; version: string }
  | { kind: "private"; because: string }
  | { kind: "none"; because: string; need: string };

/** Chooses the engine. */
export function chooseEngine(machine: MachineState): EngineChoice {
  const because = objectionTo(machine);
  if (because === undefined && machine.engine !== undefined) {
    return { kind: "existing", host: machine.engine.host, version: machine.engine.version };
  }
  const reason = because ?? "No Docker engine answers here.";
  return machine.noBox === undefined
    ? { kind: "private", because: reason }
    : { kind: "none", because: reason, need: `A private engine is not possible either: ${machine.noBox}.` };
}

function objectionTo({ engine, isAgentRunning, hostname }: MachineState): string | undefined {
  if (engine === undefined) return undefined;
  if (isAgentRunning) {
    return "An agent (or another demo) is already running on this machine. It and the Docker engine are left alone.";
  }
  const [first] = engine.foreignContainers;
  if (first !== undefined) {
    return `The Docker engine here has containers of another agent (${first}) and is left alone.`;
  }
  // The registry listens on 127.0.0.1, which an engine on another machine cannot reach.
  if (engine.machine !== hostname || !engine.host.startsWith("unix://")) {
    return `The Docker engine runs on another machine (${engine.machine}) and cannot reach the demo's registry here.`;
  }
  if (engine.isRootless) {
    return "The Docker engine here runs without root, in a network from which the demo's registry cannot be reached.";
  }
  return undefined;
}
