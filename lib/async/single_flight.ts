/** Lets callers that want the same thing at the same time share one read. */

import { orAborted, throwIfAborted } from "./deadline.ts";
import { Semaphore } from "./semaphore.ts";

/** A read that is running or about to begin, and how many callers wait for it. */
interface SharedRead<T> {
  result: Promise<T>;
  life: AbortController;
  waiting: number;
}

/**
 * `read`, at most once at a time, or `atOnce` times. A call that finds no read to begin with waits for the next one and
 * shares it, so that no result is older than the call. A read is aborted when nobody waits for it any more. Throws what
 * `read` throws, and `canceled`.
 */
export function singleFlight<T>(
  read: (signal: AbortSignal) => Promise<T>,
  { atOnce = 1 }: { atOnce?: number } = {},
): (signal: AbortSignal) => Promise<T> {
  const places = new Semaphore(atOnce);
  let next: SharedRead<T> | undefined;
  const begin = (): SharedRead<T> => {
    const life = new AbortController();
    const result = places.run(() => {
      if (next === shared) next = undefined;
      throwIfAborted(life.signal, "A read that nobody waits for");
      return read(life.signal);
    }, life.signal);
    // Nobody may be left to hear of it.
    result.catch(() => {});
    const shared = { result, life, waiting: 0 };
    return shared;
  };
  return async (signal) => {
    const shared = next ??= begin();
    shared.waiting += 1;
    try {
      return await orAborted(shared.result, { what: "The wait for a shared read", signal });
    } finally {
      shared.waiting -= 1;
      if (shared.waiting === 0) {
        if (next === shared) next = undefined;
        shared.life.abort();
      }
    }
  };
}
