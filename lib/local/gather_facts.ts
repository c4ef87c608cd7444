/** Gathers what `reagent status` shows, in the agent. Nothing waits for an engine or a disk that does not answer. */

import { within } from "../async/deadline.ts";
import { readDisk } from "../host/disk_space.ts";
import type { AgentFacts, DiskFacts } from "./agent_facts.ts";
import type { LocalDeps } from "./dependencies.ts";

/** Within this time an engine or a disk has answered, or it is left out: they take some milliseconds when they work. */
const partPatienceMs = 1_000;

/** Gathers it. Never throws. */
export async function gatherFacts(deps: LocalDeps, signal: AbortSignal): Promise<AgentFacts> {
  const { clock } = deps;
  const [isAvailable, disks, lastUpdate] = await Promise.all([
    soon((life) => deps.isEngineAvailable(life), signal),
    readDisks(deps, signal),
    soon(() => deps.lastUpdate(), signal),
  ]);
  const { isOffline, connectedAtMs, heardAtMs } = deps.connection();
  const isConnected = connectedAtMs !== undefined;
  return {
    version: deps.version,
    pid: Deno.pid,
    uptimeSeconds: Math.round(clock.now() / 1000),
    paths: deps.paths,
    device: deps.device(),
    connection: {
      state: isOffline ? "offline" : isConnected ? "connected" : "connecting",
      forSeconds: isConnected ? seconds(clock.now() - connectedAtMs) : 0,
      heardSecondsAgo: heardAtMs === undefined ? -1 : seconds(clock.now() - heardAtMs),
    },
    engine: {
      state: isAvailable === undefined ? "unknown" : isAvailable ? "available" : "unavailable",
      environment: deps.engineEnvironment,
    },
    apps: deps.listApps(),
    disks,
    isEmergency: deps.isEmergency(),
    problems: deps.problems().map(({ error = "", ...problem }) => ({ ...problem, error })),
    lastUpdate: lastUpdate === undefined ? "" : `${lastUpdate.from} → ${lastUpdate.to}: ${lastUpdate.outcome}`,
  };
}

/** Each file system once. */
async function readDisks(deps: LocalDeps, signal: AbortSignal): Promise<DiskFacts[]> {
  const root = await soon((life) => deps.engineRoot(life), signal);
  const disks = new Map<number | string, DiskFacts>();
  for (const path of [...deps.folders, ...root === undefined ? [] : [root]]) {
    const info = await soon(() => Deno.stat(path), signal);
    const disk = info && await soon(() => readDisk(path), signal);
    if (info === undefined || disk === undefined) continue;
    const { totalBytes, freeBytes } = disk;
    if (!disks.has(info.dev)) disks.set(info.dev, { path, totalBytes, freeBytes });
  }
  return [...disks.values()];
}

/** Undefined when it takes too long, or fails. */
async function soon<T>(
  work: (signal: AbortSignal) => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await within(partPatienceMs, work, { what: "A part of the status", signal });
  } catch {
    // The status says what is known without it.
    return undefined;
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}
