/** How long the event loop stood still. */

const tickMs = 5;

/** Runs `work` and returns the longest time, in milliseconds, for which no timer could fire. */
export async function longestStall(work: () => Promise<void>): Promise<number> {
  let longestMs = 0;
  let lastMs = performance.now();
  const tick = () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs - tickMs);
    lastMs = nowMs;
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
