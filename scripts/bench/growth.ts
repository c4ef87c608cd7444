/** How what must not grow has grown. Pure. */

/** How much more the last value is than the first. Throws for no values. */
export function growthOf(values: readonly number[]): number {
  const [first, last] = [values.at(0), values.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("There are no values");
  return last - first;
}
