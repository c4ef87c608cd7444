/** Decides how long to wait before the next try. Pure: the caller brings the randomness. */

/** A schedule that grows with the square of the attempt. All times in milliseconds. */
export interface Schedule {
  firstMs: number;
  limitMs: number;
}

/** Grows with the square of `attempt` (1, 2, …), never above the limit, spread by ±20 % so that a fleet does not act as one. */
export function spreadWaitMs(schedule: Schedule, attempt: number, random: number): number {
  const plain = Math.min(schedule.firstMs * attempt * attempt, schedule.limitMs);
  return Math.round(plain * (0.8 + 0.4 * random));
}

/**
 * The wait before dial number `attempt` (0 is the first after a loss, and is immediate) when the link has been away for
 * `awayMs`. Full jitter: anything between zero and a bound that doubles from 250 ms, up to 4 s in the first two minutes, so that
 * with the dial itself a device is back 5 s after its network, and up to 30 s later.
 */
export function redialWaitMs(attempt: number, awayMs: number, random: number): number {
  if (attempt <= 0) return 0;
  const limitMs = awayMs < 120_000 ? 4_000 : 30_000;
  const boundMs = Math.min(250 * 2 ** Math.min(attempt, 16), limitMs);
  return Math.round(boundMs * random);
}
