/** What the handlers need of the rest of the agent. The composition root hands it over; handlers hold no state. */

import type { Log } from "../base/log.ts";
import type { Dict } from "../base/json.ts";
import type { ImageSummary } from "../docker/decode.ts";
import type { InterfaceAddress } from "../host/addresses.ts";
import type { CommandEnd } from "../host/command.ts";
import type { Stats } from "../host/stats.ts";
import type { PowerAction } from "../host/power.ts";
import type { PrivilegeCheck } from "./authorize.ts";

/** The container engine as the handlers see it. Calls throw `engine_unreachable` or `engine_failed`. */
export interface HandlerEngine {
  listImages(signal: AbortSignal): Promise<ImageSummary[]>;
  /** All containers as the engine's own interface gives them. */
  listContainersRaw(signal: AbortSignal): Promise<unknown[]>;
  pruneDanglingImages(signal: AbortSignal): Promise<unknown>;
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
  /** The figures of the device, as in a status report. */
  readStats(): Promise<Stats>;
  /** The addresses of all network interfaces. */
  readInterfaces(): InterfaceAddress[];
  readAgentFacts(signal: AbortSignal): Promise<AgentFacts>;
  tunnelCapable(): boolean;
  /** The newest version for this device. Throws when it cannot be found out. */
  readLatestVersion(): Promise<string>;
  /** Does it two seconds from now. */
  schedulePower(action: PowerAction): void;
  /** The wall time of the device. */
  wall(): Date;
  log: Log;
}
