/** What the running agent tells about itself and the device, and how its answer is read. Pure. */

import { isDict, readNumber } from "../base/json.ts";

/** An app of the device. */
export interface AppFacts {
  name: string;
  stage: string;
  appKey: number;
  version: string;
  state: string;
  /** The state that Studio wants. */
  target: string;
  container: string;
}

/** A file system that the agent needs. */
export interface DiskFacts {
  path: string;
  totalBytes: number;
  freeBytes: number;
}

/** A line of the log. */
export interface ProblemFacts {
  time: string;
  level: string;
  message: string;
  error: string;
}

/** The answer to `status`. */
export interface AgentFacts {
  version: string;
  pid: number;
  uptimeSeconds: number;
  /** Of its `.flock` file, database, log and apps. */
  paths: { config: string; database: string; log: string; apps: string };
  device: { name: string; serialNumber: string; endpointUrl: string };
  connection: {
    state: "connected" | "connecting" | "offline";
    /** How long it has been connected; 0 while it is not. */
    forSeconds: number;
    /** How long ago the router was last heard; -1 when it never was. */
    heardSecondsAgo: number;
  };
  engine: {
    /** `unknown`: it takes its time. */
    state: "available" | "unavailable" | "unknown";
    /** The variables by which it is found. */
    environment: Record<string, string>;
  };
  apps: AppFacts[];
  disks: DiskFacts[];
  /** Apps are stopped because the disk is too full. */
  isEmergency: boolean;
  /** The newest warnings and errors since the start, oldest first. */
  problems: ProblemFacts[];
  /** How the latest update of the agent ended; empty when there was none. */
  lastUpdate: string;
}

/** Reads the answer of an agent of another version, too: what is missing is empty. */
export function readAgentFacts(value: unknown): AgentFacts {
  const facts = givenDict(value);
  const [paths, device] = [givenDict(facts.paths), givenDict(facts.device)];
  const [connection, engine] = [givenDict(facts.connection), givenDict(facts.engine)];
  return {
    version: givenText(facts.version),
    pid: givenNumber(facts.pid),
    uptimeSeconds: givenNumber(facts.uptimeSeconds),
    paths: {
      config: givenText(paths.config),
      database: givenText(paths.database),
      log: givenText(paths.log),
      apps: givenText(paths.apps),
    },
    device: {
      name: givenText(device.name),
      serialNumber: givenText(device.serialNumber),
      endpointUrl: givenText(device.endpointUrl),
    },
    connection: {
      state: oneOf(connection.state, ["connected", "connecting", "offline"], "connecting"),
      forSeconds: givenNumber(connection.forSeconds),
      heardSecondsAgo: givenNumber(connection.heardSecondsAgo),
    },
    engine: {
      state: oneOf(engine.state, ["available", "unavailable", "unknown"], "unknown"),
      environment: givenTexts(engine.environment),
    },
    apps: givenList(facts.apps).map(readAppFacts),
    disks: givenList(facts.disks).map(readDiskFacts),
    isEmergency: facts.isEmergency === true,
    problems: givenList(facts.problems).map(readProblemFacts),
    lastUpdate: givenText(facts.lastUpdate),
  };
}

function readAppFacts(value: unknown): AppFacts {
  const { name, stage, appKey, version, state, target, container } = givenDict(value);
  return {
    name: givenText(name),
    stage: givenText(stage),
    appKey: givenNumber(appKey),
    version: givenText(version),
    state: givenText(state),
    target: givenText(target),
    container: givenText(container),
  };
}

function readDiskFacts(value: unknown): DiskFacts {
  const { path, totalBytes, freeBytes } = givenDict(value);
  return { path: givenText(path), totalBytes: givenNumber(totalBytes), freeBytes: givenNumber(freeBytes) };
}

function readProblemFacts(value: unknown): ProblemFacts {
  const { time, level, message, error } = givenDict(value);
  return { time: givenText(time), level: givenText(level), message: givenText(message), error: givenText(error) };
}

function givenDict(value: unknown): Record<string, unknown> {
  return isDict(value) ? value : {};
}

function givenList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function givenText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function givenNumber(value: unknown): number {
  return readNumber(value) ?? 0;
}

function givenTexts(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(givenDict(value)).map(([name, text]) => [name, givenText(text)]));
}

function oneOf<Word extends string>(value: unknown, words: readonly Word[], otherwise: Word): Word {
  return words.find((word) => word === value) ?? otherwise;
}
