/** Reuses the result of a read for a moment, so that many calls in a row cost one read. */

import type { Clock } from "./clock.ts";

/**
 * `read`, whose result is reused for `forMs` milliseconds from the moment the read began. A promise counts as a result.
 */
export function cachedRead<T>(read: () => T, options: { forMs: number; clock: Pick<Clock, "now"> }): () => T {
  let latest: { atMs: number; value: T } | undefined;
  return () => {
    const nowMs = options.clock.now();
    if (latest === undefined || nowMs - latest.atMs >= options.forMs) latest = { atMs: nowMs, value: read() };
    return latest.value;
  };
}
