/** Lets callers that want the same thing at the same time share one read. */

import { orAborted, throwIfAborted } from "./deadline.ts";

/** A read that is running or about to begin, and how many callers wait for it. */
interface SharedRead<T> {
  result: Promise<T>;
  life: AbortController;
  waiting: number;
}

/**
 * `read`, at most once at a time. A call that comes while a read is running waits for the next one and shares it, so
 * that no result is older than the call. A read is aborted when nobody waits for it any more. Throws what `read`
 * throws, and `canceled`.
 */
export function singleFlight<T>(read: (signal: AbortSignal) => Promise<T>): (signal: AbortSignal) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let next: SharedRead<T> | undefined;
  const begin = (): SharedRead<T> => {
    const life = new AbortController();
    const result = last.then(() => {
      if (next === shared) next = undefined;
      throwIfAborted(life.signal, "A read that nobody waits for");
      return read(life.signal);
    });
    const shared = { result, life, waiting: 0 };
    // The next read begins however this one ends.
    last = result.catch(() => {});
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
