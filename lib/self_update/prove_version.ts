/** Lets a new version prove itself. Whether it has failed is not decided here but by the start guard. */

import type { Clock } from "../async/clock.ts";

/** What a version that is on probation works with. */
export interface ProvingDeps {
  /** It has, at this moment, what it needs. Never throws. */
  hasWhatItNeeds(signal: AbortSignal): Promise<boolean>;
  /** Tells the guard that it had it in time. */
  noteReached(): Promise<void>;
  clock: Pick<Clock, "sleep">;
}

/** A version has to live this long after it had what it needs. */
export const proofMs = 120_000;

/** Between two looks. */
const lookPauseMs = 1_000;

/**
 * Returns when the version may be taken for good: it has had what it needs, has lived two minutes more, and has it
 * then. The guard ends a version that takes too long. Throws `canceled`.
 */
export async function untilProven(
  { hasWhatItNeeds, noteReached, clock }: ProvingDeps,
  signal: AbortSignal,
): Promise<void> {
  const untilThere = async () => {
    while (!await hasWhatItNeeds(signal)) await clock.sleep(lookPauseMs, signal);
  };
  await untilThere();
  await noteReached();
  await clock.sleep(proofMs, signal);
  await untilThere();
}
