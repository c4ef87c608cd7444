/** What the agent's own updates need of the rest of the agent. */

import type { Clock } from "../async/clock.ts";
import type { Log } from "../base/log.ts";
import type { DeviceConfig } from "../config/flock.ts";
import type { Paths } from "../paths.ts";

/** What the area works with. */
export interface SelfUpdateDeps {
  /** The config in force. */
  config(): Pick<DeviceConfig, "environment" | "endpointUrl" | "updateUrl" | "serialNumber">;
  /** The value of `-remoteUpdateURL`. */
  updateUrl: string;
  /** Look for a newer version after the start. */
  checksAtStart: boolean;
  /** The version that runs. */
  version: string;
  /** As in addresses of downloads: `linux`, `darwin`, `windows`. */
  os: string;
  /** With its variant: `amd64`. */
  arch: string;
  paths: Pick<Paths, "agentDir" | "downloadsDir" | "selfUpdateFile">;
  /** Names of apps that a restart of the agent would disturb. */
  unsettledApps(): string[];
  /** Whether an update of the operating system is being installed. */
  isSystemUpdating(): boolean;
  random: () => number;
  /** Tells whether the start guard has started this agent. */
  environment: { get(name: string): string | undefined };
  own: OwnActivation;
  clock: Clock;
  log: Log;
}

/** What the agent's own switch to a new version needs; unused where somebody else switches. */
export interface OwnActivation {
  /** The device is connected, and Studio shows it so. */
  isConnected(): boolean;
  /** The container engine answers. */
  hasEngine(signal: AbortSignal): Promise<boolean>;
  /** Ends the agent in order, so that the guard starts the version that is linked. */
  restart(): void;
  /** Somebody has asked for the end of the agent. */
  isEndAsked(): boolean;
}
