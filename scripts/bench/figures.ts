/** The figures of a benchmark: how samples become one number, and how it is held against its bar. Pure. */

import type { Limit, Program, RouterName } from "./row.ts";
import { type RowId, rowIds, rows } from "./rows.ts";

/** What a row was measured with. */
export interface Setting {
  program: Program;
  router: RouterName;
}

/** The values of one row, and those of its yardstick. */
export interface Sample {
  values: readonly number[];
  yardstick?: readonly number[];
}

/** What a group has measured. */
export type Samples = Partial<Record<RowId, Sample>>;

/** One number with what it was made from. Counted in the unit of its row. */
export interface Figure extends Setting {
  id: RowId;
  /** The median, and the extremes. */
  value: number;
  least: number;
  most: number;
  /** The median of the yardstick. */
  yardstick?: number;
}

/** The bar of a figure. */
export interface Measure {
  kind: "most" | "least";
  value: number;
}

/** How a figure stands to its bar; undefined where there is none. */
export type Verdict = "ok" | "over" | "under" | undefined;

/** The value that `percent` of the samples do not exceed (nearest rank). Throws for no samples. */
export function percentile(samples: readonly number[], percent: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.max(1, Math.ceil(sorted.length * percent / 100)) - 1];
  if (value === undefined) throw new RangeError("There are no samples");
  return value;
}

/** The middle of the samples; between the two in the middle when their number is even. Throws for no samples. */
export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[Math.floor(sorted.length / 2)]];
  if (low === undefined || high === undefined) throw new RangeError("There are no samples");
  return (low + high) / 2;
}

/** Turns what was measured into figures, in the order of the rows. */
export function figuresOf(samples: Samples, setting: Setting): Figure[] {
  return rowIds.flatMap((id) => {
    const sample = samples[id];
    if (sample === undefined) return [];
    const { values, yardstick } = sample;
    return [{
      id,
      ...setting,
      value: median(values),
      least: Math.min(...values),
      most: Math.max(...values),
      ...(yardstick === undefined ? {} : { yardstick: median(yardstick) }),
    }];
  });
}

/** What the figure is held against; undefined where nothing is set, or where its yardstick is missing. */
export function barOf(figure: Figure): Measure | undefined {
  const { bar } = rows[figure.id];
  if (bar === undefined) return undefined;
  const limit = limitOf(bar.limit, figure);
  if (bar.kind !== "aboveYardstick") return { kind: bar.kind, value: limit };
  return figure.yardstick === undefined ? undefined : { kind: "most", value: figure.yardstick + limit };
}

/** Whether the figure reaches its bar. */
export function verdictOf(figure: Figure): Verdict {
  const bar = barOf(figure);
  if (bar === undefined) return undefined;
  if (bar.kind === "most") return figure.value <= bar.value ? "ok" : "over";
  return figure.value >= bar.value ? "ok" : "under";
}

/** The figures of both, in the order of the rows; of two that tell the same the one of `newer`. */
export function mergeFigures<F extends Figure>(older: readonly F[], newer: readonly F[]): F[] {
  const key = ({ id, program, router }: Figure) => `${id} ${program} ${router}`;
  const all = new Map([...older, ...newer].map((figure) => [key(figure), figure]));
  return [...all.values()].sort((a, b) => rowIds.indexOf(a.id) - rowIds.indexOf(b.id));
}

function limitOf(limit: Limit, { program, router }: Setting): number {
  if (typeof limit === "number") return limit;
  return "source" in limit ? limit[program] : limit[router];
}
