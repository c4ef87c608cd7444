/** Decides how long the tunnel client is left alone after it has ended. Pure: the caller brings the randomness. */

/** What has happened to the clients before. */
export interface ClientPast {
  /** Starts in a row that have come to nothing. */
  failedStarts: number;
  /** Clients in a row that did come up and ended soon. */
  quickEnds: number;
}

/** A client that has run for so long has nothing to do with the ends before. */
export const soundRunMs = 60_000;

const failedFirstMs = 2_000;
const failedSteps = 5;
const endedFirstMs = 200;
const endedLimitMs = 1_500;
const endedSteps = 20;
const restLimitMs = 300_000;

/**
 * A client that was killed is back at once, also when that happens again and again; one that cannot start is tried
 * after 2, 4, 8, 16, 32 s and then every five minutes, for ever. Spread by ±20 %.
 */
export function clientWaitMs({ failedStarts, quickEnds }: ClientPast, random: number): number {
  return Math.round(plainMs({ failedStarts, quickEnds }) * (0.8 + 0.4 * random));
}

function plainMs({ failedStarts, quickEnds }: ClientPast): number {
  if (failedStarts > failedSteps) return restLimitMs;
  if (failedStarts > 0) return failedFirstMs * 2 ** (failedStarts - 1);
  if (quickEnds <= endedSteps) return Math.min(endedFirstMs * 2 ** Math.max(quickEnds - 1, 0), endedLimitMs);
  return Math.min(endedLimitMs * 2 ** Math.min(quickEnds - endedSteps, 10), restLimitMs);
}
