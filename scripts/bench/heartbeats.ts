/** Watches whether the heartbeats of the agent come in time. */

import { beatPauseMs } from "../../lib/status/heartbeat.ts";
import { sleep } from "../testbed/wait.ts";
import type { Stage } from "./stage.ts";

const watchMs = 200;

/** Does `work`, and gives what `latestBeatMs()` gives for that time; the beat before counts as well. */
export async function watchWhile<T>(
  { studio, device }: Stage,
  work: () => Promise<T>,
): Promise<{ latestBeatMs: number; result: T }> {
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
    return { latestBeatMs: latestBeatMs([...beats], Date.now()), result };
  } finally {
    done.abort();
    await watching;
  }
}

/** In milliseconds, how long after its time the latest heartbeat came, or is still to come at `nowMs`; 0 when all were in time. Pure. */
export function latestBeatMs(beats: readonly number[], nowMs: number): number {
  const pauses = [...beats, nowMs].slice(1).map((time, index) => time - (beats[index] ?? time));
  return Math.max(0, ...pauses.map((pauseMs) => pauseMs - beatPauseMs));
}
