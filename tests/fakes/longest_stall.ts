/** How long the event loop stood still. */

import process from "node:process";

const tickMs = 5;

/**
 * Runs `work` and returns the longest time, in milliseconds, for which no timer could fire. Time in which this process
 * was not running does not count: on a busy machine it says nothing about the work.
 */
export async function longestStall(work: () => Promise<void>): Promise<number> {
  let longestMs = 0;
  let [lastMs, lastUsedMs] = [performance.now(), usedMs()];
  const tick = () => {
    const [nowMs, nowUsedMs] = [performance.now(), usedMs()];
    longestMs = Math.max(longestMs, Math.min(nowMs - lastMs - tickMs, nowUsedMs - lastUsedMs));
    [lastMs, lastUsedMs] = [nowMs, nowUsedMs];
  };
  const timer = setInterval(tick, tickMs);
  try {
    await work();
    // What the work has left for later counts, too.
    await new Promise((resolve) => setTimeout(resolve, tickMs));
  } finally {
    clearInterval(timer);
    tick();
  }
  return longestMs;
}

/** Processor time of this process. */
function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
