/** Keeps what was read for a moment, so that many who ask at once cost one read. */

import type { Clock } from "./clock.ts";

/** `read`, whose value serves for `forMs` milliseconds from the moment at which it was asked for. A promise counts as the value. */
export function cachedRead<T>(read: () => T, options: { forMs: number; clock: Pick<Clock, "now"> }): () => T {
  let latest: { atMs: number; value: T } | undefined;
  return () => {
    const nowMs = options.clock.now();
    if (latest === undefined || nowMs - latest.atMs >= options.forMs) latest = { atMs: nowMs, value: read() };
    return latest.value;
  };
}
