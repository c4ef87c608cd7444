/** Reads coverage reports. Pure. */

/** The percentage of the lines of `lib/` that unit tests must cover. It may only rise. */
export const coverageFloorPercent = 95;

/** The share of covered lines, in percent, of a report in the lcov format; 0 for an empty report. */
export function lineCoverage(lcov: string): number {
  let found = 0;
  let hit = 0;
  for (const line of lcov.split("\n")) {
    if (line.startsWith("LF:")) found += Number(line.slice(3));
    if (line.startsWith("LH:")) hit += Number(line.slice(3));
  }
  return found === 0 ? 0 : (100 * hit) / found;
}
