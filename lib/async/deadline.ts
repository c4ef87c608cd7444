/** Limits on waiting: deadlines, and the end of an `AbortSignal`. */

import { AgentError } from "../base/errors.ts";
import type { Clock } from "./clock.ts";

/**
 * Runs `work` with at most `limitMs` milliseconds. `work` gets a signal that ends at the limit or with
 * `options.signal`. Throws `timeout` ("<what> took longer than … ms") or `canceled`, even when `work` ignores its
 * signal.
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
    const onOuterAbort = () => fail(canceledError(options.what));
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
 * Waits until `work` has settled, but no longer than `limitMs`, and not after `signal` is aborted. Never throws; the
 * work goes on, and its error is left to whoever else awaits it.
 */
export async function waitAtMost(
  work: Promise<unknown>,
  options: { limitMs: number; clock: Pick<Clock, "sleep">; signal: AbortSignal },
): Promise<void> {
  const patience = new AbortController();
  const ended = work.then(() => {}, () => {});
  const lost = options.clock.sleep(options.limitMs, AbortSignal.any([patience.signal, options.signal])).catch(() => {
    // The work has settled, or nobody waits any more.
  });
  await Promise.race([ended, lost]);
  patience.abort();
  await lost;
}

/** Throws `canceled` ("<what> was canceled") when `signal` is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw canceledError(what);
}

/** Resolves when `signal` is aborted; at once when it is already. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/**
 * Waits for `promise`, but throws `canceled` ("<what> was canceled") as soon as `signal` is aborted. The work itself
 * goes on.
 */
export async function orAborted<T>(promise: Promise<T>, options: { what: string; signal: AbortSignal }): Promise<T> {
  const { what, signal } = options;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(canceledError(what));
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function canceledError(what: string): AgentError {
  return new AgentError("canceled", `${what} was canceled`);
}
