/** The results of a benchmark: how samples become one number, and how it compares with its target. Pure. */

import type { Program, RouterName, TargetLimit } from "./row.ts";
import { type RowId, rowIds, rows } from "./rows.ts";

/** The program and the router that a row was measured with. */
export interface Setting {
  program: Program;
  router: RouterName;
}

/** The measured values of one row and of its yardstick. */
export interface Sample {
  values: readonly number[];
  yardstick?: readonly number[];
}

/** The samples of a group. */
export type Samples = Partial<Record<RowId, Sample>>;

/** The result of one row, in the unit of the row. */
export interface Result extends Setting {
  id: RowId;
  /** The median and the extremes. */
  value: number;
  least: number;
  most: number;
  /** The median of the yardstick. */
  yardstick?: number;
}

/** The target of a result as one number. */
export interface TargetValue {
  kind: "atMost" | "atLeast";
  value: number;
}

/** Whether a result reaches its target; undefined where there is none. */
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

/** Turns samples into results, in the order of the rows. */
export function resultsOf(samples: Samples, setting: Setting): Result[] {
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

/** The target of a result; undefined where none is set, or where its yardstick is missing. */
export function targetOf(result: Result): TargetValue | undefined {
  const { target } = rows[result.id];
  if (target === undefined) return undefined;
  const limit = limitOf(target.limit, result);
  if (target.kind !== "aboveYardstick") return { kind: target.kind, value: limit };
  return result.yardstick === undefined ? undefined : { kind: "atMost", value: result.yardstick + limit };
}

/** Compares a result with its target. */
export function verdictOf(result: Result): Verdict {
  const target = targetOf(result);
  if (target === undefined) return undefined;
  if (target.kind === "atMost") return result.value <= target.value ? "ok" : "over";
  return result.value >= target.value ? "ok" : "under";
}

/** Merges results in the order of the rows; `newer` replaces what was measured in the same way. */
export function mergeResults<F extends Result>(older: readonly F[], newer: readonly F[]): F[] {
  const key = ({ id, program, router }: Result) => `${id} ${program} ${router}`;
  const all = new Map([...older, ...newer].map((result) => [key(result), result]));
  return [...all.values()].sort((a, b) => rowIds.indexOf(a.id) - rowIds.indexOf(b.id));
}

function limitOf(limit: TargetLimit, { program, router }: Setting): number {
  if (typeof limit === "number") return limit;
  return "source" in limit ? limit[program] : limit[router];
}
