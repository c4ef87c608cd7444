/** Time as the agent uses it: monotonic for every wait, wall time only for people. */

import { AgentError } from "../base/errors.ts";

/** A source of time. Tests have one of their own; everything else uses `systemClock`. */
export interface Clock {
  /** Monotonic milliseconds from an arbitrary start. */
  now(): number;
  /** The device's wall time; may jump in both directions. */
  wall(): Date;
  /** Resolves after `ms` milliseconds; throws `canceled` as soon as `signal` is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
  sleep: sleepOnTimer,
};

function sleepOnTimer(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(new AgentError("canceled", "The wait was canceled"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    if (signal?.aborted) return onAbort();
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
