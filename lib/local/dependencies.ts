/** What the area for questions of the device is told of the rest of the agent. */

import type { Clock } from "../async/clock.ts";
import type { AgentFacts, AppFacts } from "./agent_facts.ts";

/** What is told of the rest of the agent. */
export interface LocalDeps {
  agentDir: string;
  version: string;
  paths: AgentFacts["paths"];
  device(): AgentFacts["device"];
  /** Monotonic times (ms); undefined for never, and `connectedAtMs` while there is no connection. */
  connection(): { isOffline: boolean; connectedAtMs: number | undefined; heardAtMs: number | undefined };
  isEngineAvailable(signal: AbortSignal): Promise<boolean>;
  /** Where the engine keeps its data. */
  engineRoot(signal: AbortSignal): Promise<string>;
  engineEnvironment: Record<string, string>;
  listApps(): AppFacts[];
  /** Those whose free space counts. */
  folders: readonly string[];
  isEmergency(): boolean;
  problems(): { time: string; level: string; message: string; error?: string }[];
  lastUpdate(): Promise<{ from: string; to: string; outcome: string } | undefined>;
  /** Lets the engine log in to the registry of the device. Returns its host; throws what is wrong with the login. */
  checkRegistry(signal: AbortSignal): Promise<string>;
  readHistory(channel: string, signal: AbortSignal): Promise<string[]>;
  clock: Clock;
}
