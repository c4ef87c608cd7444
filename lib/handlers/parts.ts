/** What the handlers need of the rest of the agent. The composition root hands it over; handlers hold no state. */

import type { Log } from "../base/log.ts";
import type { Dict } from "../base/shape.ts";
import type { ImageSeen } from "../docker/seen.ts";
import type { PowerAction } from "../system/power_actions.ts";
import type { PrivilegeCheck } from "./authorize.ts";
import type { InterfaceAddress } from "./network.ts";

/** The container engine as the handlers see it. Calls throw `engine_unreachable` or `engine_failed`. */
export interface HandlerEngine {
  listImages(signal: AbortSignal): Promise<ImageSeen[]>;
  /** All containers as the engine's own interface gives them. */
  listContainersRaw(signal: AbortSignal): Promise<unknown[]>;
  pruneDanglingImages(signal: AbortSignal): Promise<unknown>;
}

/** How a program ended. */
export interface CommandEnd {
  code: number;
  stdout: string;
  stderr: string;
}

/** Facts about the agent that people see. */
export interface AgentFacts {
  /** The detailed text of the operating system. */
  os: string;
  arch: string;
  variant: string;
  version: string;
}

/** Everything that handlers use. */
export interface HandlerParts {
  serialNumber: string;
  checkPrivilege: PrivilegeCheck;
  /** Stores what Studio asks for one app and starts the work in the background. Throws `bad_request`, `store_failed`. */
  requestAppState(kwargs: Dict, signal: AbortSignal): Promise<void>;
  engine: HandlerEngine;
  /** Runs a program to its end; its process group is killed when `signal` ends or `timeoutMs` have passed. */
  runCommand(
    program: string,
    args: string[],
    options: { signal: AbortSignal; timeoutMs: number },
  ): Promise<CommandEnd>;
  /** The last lines of a log channel. */
  readLogHistory(channel: string, signal: AbortSignal): Promise<string[]>;
  /** The figures of the device under their wire names, as in a status report. */
  readStats(signal: AbortSignal): Promise<object>;
  /** The addresses of all network interfaces. */
  readInterfaces(): InterfaceAddress[];
  readAgentFacts(signal: AbortSignal): Promise<AgentFacts>;
  tunnelCapable(): boolean;
  /** The newest version for this device; undefined when it cannot be found out. */
  readLatestVersion(signal: AbortSignal): Promise<string | undefined>;
  /** Does it two seconds from now. */
  schedulePower(action: PowerAction): void;
  /** The wall time of the device. */
  wall(): Date;
  log: Log;
}
