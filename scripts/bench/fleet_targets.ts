/** The targets for a fleet that reconnects after its router was down. Pure. */

/** The target for the 99th percentile, by how long the router was down. */
export function fleetTargetMs(awaySeconds: number): number {
  return awaySeconds < 120 ? 8_000 : 35_000;
}

/** The target for the share of the fleet that reconnects in the busiest second. */
export const busiestSecondTarget = 1 / 3;
