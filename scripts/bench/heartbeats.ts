/** Watches whether the heartbeats of the agent come in time. */

import { beatPauseMs } from "../../lib/system/heartbeat.ts";
import { sleep } from "../../tests/parts/background.ts";
import type { Stage } from "./stage.ts";

const watchMs = 200;

/** Watches until `isOver` says so. Gives what `latestBeatMs()` gives; the beat before counts as well. */
export async function watchBeats({ studio, device }: Stage, isOver: () => boolean): Promise<number> {
  const read = () => Date.parse(studio.device(device).reportedAt);
  const beats = new Set([read()]);
  for (; !isOver(); await sleep(watchMs)) beats.add(read());
  return latestBeatMs([...beats], Date.now());
}

/** In milliseconds, how long after its time the latest heartbeat came, or is still to come at `nowMs`; 0 when all were in time. Pure. */
export function latestBeatMs(beats: readonly number[], nowMs: number): number {
  const pauses = [...beats, nowMs].slice(1).map((time, index) => time - (beats[index] ?? time));
  return Math.max(0, ...pauses.map((pauseMs) => pauseMs - beatPauseMs));
}
