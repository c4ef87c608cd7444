/** Reads coverage reports. Pure. */

/**
 * The percentages of the lines of `lib/` that tests must cover; they may only rise. `all` is for a whole test run, and
 * `unit` for unit tests alone: what talks to engines, routers and buses is covered by tests with real ones.
 */
export const coverageFloors = { all: 95, unit: 90 };

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
