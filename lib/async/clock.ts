/** Time as the agent uses it: monotonic for every wait, wall time only for people. */

import { AgentError } from "../base/errors.ts";

/** A source of time. Tests bring one of their own; everything else uses `systemClock`. */
export interface Clock {
  /** Monotonic milliseconds; the zero point means nothing. */
  now(): number;
  /** The device's wall time; may jump in both directions. */
  wall(): Date;
  /** Resolves after `ms` milliseconds; throws `canceled` at once when `signal` ends first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => new Date(),
  sleep: sleepOnTimer,
};

/**
 * Runs `work` with at most `limitMs` milliseconds. `work` gets a signal that ends at the limit or with `options.signal`.
 * Throws `timeout` ("<what> took longer than … ms") or `canceled`, also when `work` itself ignores its signal.
 */
export async function within<T>(
  limitMs: number,
  work: (signal: AbortSignal) => Promise<T>,
  options: { what: string; signal?: AbortSignal },
): Promise<T> {
  const controller = new AbortController();
  const outer = options.signal;
  return await new Promise<T>((resolve, reject) => {
    const fail = (error: AgentError) => {
      // Work that ignores its signal may go on for long; the timer must not.
      end();
      reject(error);
      controller.abort(error);
    };
    const onOuterAbort = () => fail(new AgentError("canceled", `${options.what} was canceled`));
    const timer = setTimeout(
      () => fail(new AgentError("timeout", `${options.what} took longer than ${limitMs} ms`)),
      limitMs,
    );
    const end = () => {
      clearTimeout(timer);
      outer?.removeEventListener("abort", onOuterAbort);
    };
    if (outer?.aborted) {
      end();
      return onOuterAbort();
    }
    outer?.addEventListener("abort", onOuterAbort, { once: true });
    work(controller.signal).then(resolve, reject).finally(end);
  });
}

/**
 * Waits until `work` has ended, however it ended, but no longer than `limitMs`, and not after the end of `signal`. Never throws; the work
 * goes on, and what it fails with is for whoever has it.
 */
export async function waitPatiently(
  work: Promise<unknown>,
  options: { limitMs: number; clock: Pick<Clock, "sleep">; signal: AbortSignal },
): Promise<void> {
  const patience = new AbortController();
  const ended = work.then(() => {}, () => {});
  const lost = options.clock.sleep(options.limitMs, AbortSignal.any([patience.signal, options.signal])).catch(() => {
    // The work has ended, or nobody waits any more.
  });
  await Promise.race([ended, lost]);
  patience.abort();
  await lost;
}

/** Throws `canceled` when `signal` has ended. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new AgentError("canceled", `${what} was canceled`);
}

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
