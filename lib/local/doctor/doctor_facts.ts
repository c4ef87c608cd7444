/** What `reagent doctor` looks at before it judges. Data only. */

import type { Disk } from "../../host/disk_space.ts";
import type { AgentFacts } from "../agent_facts.ts";

/** What was found, or why nothing could be. */
export type Probed<Found> = Found | { kind: "failed"; error: string };

/** The agent that runs on the device. */
export type AgentProbe =
  | { kind: "answers"; facts: AgentFacts }
  /** `isLocked`: a process of it is there all the same. */
  | { kind: "away"; isLocked: boolean };

/** The `.flock` file. */
export type ConfigProbe =
  | { kind: "read"; path: string; missing: readonly string[]; wrongTypes: readonly string[] }
  | { kind: "unnamed" }
  | { kind: "missing"; path: string }
  | { kind: "broken"; path: string; reason: string };

/** The database. */
export type DatabaseProbe =
  | { kind: "sound" }
  | { kind: "absent"; path: string }
  | { kind: "unchecked"; why: string }
  | { kind: "damaged"; path: string; reason: string };

/** A file system. */
export interface DiskProbe extends Disk {
  path: string;
  /** Images and containers are on it. */
  isEngine: boolean;
}

/** The clock of the device. */
export interface ClockProbe {
  nowMs: number;
  /** How far it is ahead of others, by the name of the server that was asked. */
  aheadMs: readonly { server: string; ms: number }[];
}

/** A name that the device has to find. */
export interface NameProbe {
  host: string;
  /** Empty when there is none. */
  addresses: readonly string[];
  error: string;
  /** The proxy looks it up. */
  isProxied: boolean;
}

/** The proxy of the link to Studio. */
export type ProxyProbe =
  | { kind: "none" }
  | { kind: "malformed"; reason: string }
  | { kind: "answers"; address: string }
  | { kind: "away"; address: string; error: string };

/** How the server of the endpoint shows who it is. */
export type TlsProbe =
  | { kind: "plain" }
  | { kind: "unreachable"; error: string }
  | { kind: "trusted"; toMs: number }
  | { kind: "untrusted"; error: string; fromMs: number; toMs: number; issuer: string };

/** The router of Studio. */
export type RouterProbe =
  | { kind: "connected" }
  | { kind: "offline" }
  /** The agent is not connected, and a session of our own could be opened. */
  | { kind: "joins" }
  | { kind: "rejected" }
  | { kind: "unreachable"; error: string };

/** The container engine. */
export type EngineProbe =
  | { kind: "answers"; version: string; apiVersion: string }
  | { kind: "away"; error: string };

/** `docker compose`. */
export type ComposeProbe = { kind: "there"; version: string } | { kind: "missing"; error: string };

/** The registry of the device. */
export type RegistryProbe =
  | { kind: "accepts"; host: string }
  | { kind: "denied"; host: string; error: string }
  | { kind: "unreachable"; host: string; error: string }
  /** It answers; the login was not tried. */
  | { kind: "reachable"; host: string; why: string };

/** A file or folder that others must not have such rights on. */
export interface LooseRight {
  path: string;
  problem: string;
}

/** Everything. */
export interface DoctorFacts {
  agent: AgentProbe;
  config: Probed<ConfigProbe>;
  /** `isRoot`: all of it could be looked at. */
  permissions: Probed<{ kind: "looked"; isRoot: boolean; loose: readonly LooseRight[] }>;
  database: Probed<DatabaseProbe>;
  clock: ClockProbe;
  disks: readonly DiskProbe[];
  names: readonly NameProbe[];
  proxy: Probed<ProxyProbe>;
  tls: Probed<TlsProbe>;
  router: Probed<RouterProbe>;
  engine: Probed<EngineProbe>;
  compose: Probed<ComposeProbe>;
  registry: Probed<RegistryProbe>;
}
