/** How a fleet that lost its router has to come back. Pure. */

/** The bar for the 99th percentile: after half a minute, and after ten minutes. */
export function fleetBarMs(awaySeconds: number): number {
  return awaySeconds < 120 ? 8_000 : 35_000;
}

/** Whether no second saw more than a third of the fleet. */
export const busiestSecondBar = 1 / 3;
