/** Counts durations in buckets, in a bounded number of series. */

import type { Attributes, DurationInstrument } from "./instruments.ts";

/** The durations with the same attributes. */
export interface Series {
  instrument: DurationInstrument;
  attributes: Attributes;
  /** Per bucket, the last one without an upper bound. */
  counts: number[];
  sumSeconds: number;
}

/** Names come from tables of the code, so this is never reached; memory is bounded all the same. */
export const seriesLimit = 2_000;

/** All durations since the start. */
export class Histograms {
  readonly #series = new Map<string, Series>();

  /** Counts one. */
  add(instrument: DurationInstrument, { attributes, seconds }: { attributes: Attributes; seconds: number }): void {
    const key = JSON.stringify([instrument.name, Object.entries(attributes)]);
    let series = this.#series.get(key);
    if (series === undefined) {
      if (this.#series.size >= seriesLimit) return;
      const counts = new Array<number>(instrument.boundsSeconds.length + 1).fill(0);
      this.#series.set(key, series = { instrument, attributes, counts, sumSeconds: 0 });
    }
    const found = instrument.boundsSeconds.findIndex((bound) => seconds <= bound);
    const bucket = found < 0 ? instrument.boundsSeconds.length : found;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sumSeconds += seconds;
  }

  /** As they are at this moment. */
  list(): readonly Series[] {
    return [...this.#series.values()];
  }
}
