/** Checks that the heartbeats of the agent arrive in time. */

import { beatPauseMs } from "../../lib/status/heartbeat.ts";
import { sleep } from "../testbed/wait.ts";
import type { BenchFixture } from "./fixture.ts";

const watchMs = 200;

/** Runs `work`. Returns its result and `latestHeartbeatMs()` for that time; the heartbeat before counts as well. */
export async function watchHeartbeats<T>(
  { studio, device }: BenchFixture,
  work: () => Promise<T>,
): Promise<{ lateMs: number; result: T }> {
  const read = () => Date.parse(studio.device(device).reportedAt);
  const beats = new Set([read()]);
  const done = new AbortController();
  const watch = async () => {
    for (; !done.signal.aborted; await sleep(watchMs)) beats.add(read());
  };
  const watching = watch();
  try {
    const result = await work();
    beats.add(read());
    return { lateMs: latestHeartbeatMs([...beats], Date.now()), result };
  } finally {
    done.abort();
    await watching;
  }
}

/**
 * How late the latest heartbeat was, in milliseconds, including one that is still missing at `nowMs`; 0 when all were
 * in time. Pure.
 */
export function latestHeartbeatMs(beats: readonly number[], nowMs: number): number {
  const pauses = [...beats, nowMs].slice(1).map((time, index) => time - (beats[index] ?? time));
  return Math.max(0, ...pauses.map((pauseMs) => pauseMs - beatPauseMs));
}
