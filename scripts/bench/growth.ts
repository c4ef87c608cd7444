/** Growth of something that must stay constant. Pure. */

/** The difference between the last and the first value. Throws for no values. */
export function growthOf(values: readonly number[]): number {
  const [first, last] = [values.at(0), values.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError("There are no values");
  return last - first;
}
