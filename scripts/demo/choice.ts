/**
 * Chooses the engine of the demo: the one that is there when nobody else's work can suffer, else a private one. Pure.
 */

import type { EngineFacts } from "./docker.ts";

/** What was found on this machine. */
export interface Surroundings {
  /** The engine that answers; undefined when none does. */
  engine: (EngineFacts & { host: string; foreignContainers: readonly string[] }) | undefined;
  /** An agent, or another demo, holds the lock of this machine. Only asked where an engine answers. */
  isAgentRunning: boolean;
  hostname: string;
  /** Why a private engine cannot be started here; undefined when it can. */
  noBox: string | undefined;
}

/** What the demo does, and why. `because` and `need` are sentences for people. */
export type EngineChoice =
  | { kind: "there"; host: string; version: string }
  | { kind: "private"; because: string }
  | { kind: "none"; because: string; need: string };

/** Decides. */
export function chooseEngine(found: Surroundings): EngineChoice {
  const because = objectionTo(found);
  if (because === undefined && found.engine !== undefined) {
    return { kind: "there", host: found.engine.host, version: found.engine.version };
  }
  const reason = because ?? "No Docker engine answers here.";
  return found.noBox === undefined
    ? { kind: "private", because: reason }
    : { kind: "none", because: reason, need: `A private engine is not possible either: ${found.noBox}.` };
}

function objectionTo({ engine, isAgentRunning, hostname }: Surroundings): string | undefined {
  if (engine === undefined) return undefined;
  if (isAgentRunning) {
    return "An agent (or another demo) runs on this machine already. It and the Docker engine here are left alone.";
  }
  const [first] = engine.foreignContainers;
  if (first !== undefined) {
    return `The Docker engine here has containers of another agent (${first}) and is left alone.`;
  }
  // The registry listens on 127.0.0.1, which is another machine's own for an engine over there.
  if (engine.machine !== hostname || !engine.host.startsWith("unix://")) {
    return `The Docker engine runs on another machine (${engine.machine}), which cannot reach the demo's registry here.`;
  }
  if (engine.isRootless) {
    return "The Docker engine here runs without root, in a network that cannot reach the demo's registry.";
  }
  return undefined;
}
