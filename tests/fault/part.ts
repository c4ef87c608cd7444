/**
 * Deals the rows of the fault table out to several runs, so that a run of all rows takes several boxes at once. Pure.
 */

/** One of several parts: `2/4` is the second of four. */
export interface Part {
  number: number;
  count: number;
}

/** Reads `2/4`; the whole table when nothing is given. Throws for anything else. */
export function readPart(text: string | undefined): Part {
  if (!text) return { number: 1, count: 1 };
  const [, number = 0, count = 0] = (/^([1-9]\d*)\/([1-9]\d*)$/.exec(text) ?? []).map(Number);
  if (number < 1 || number > count) throw new RangeError(`A part is named like 2/4, not "${text}"`);
  return { number, count };
}

/** The rows of a part: every `count`th one, so that each part gets rows of every scenario and fault. */
export function rowsOfPart<T>(rows: readonly T[], { number, count }: Part): T[] {
  return rows.filter((_, index) => index % count === number - 1);
}
