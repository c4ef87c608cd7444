import assert from "node:assert/strict";
import { countReturn } from "../../../scripts/bench/fleet_figures.ts";

Deno.test("countReturn() gives the times, who is missing, and the busiest second wherever it lies", () => {
  const returnsMs = [2_600, 100, 1_700, 1_900, 2_699];
  assert.deepEqual(countReturn(returnsMs, 6), {
    agents: 6,
    missing: 1,
    firstMs: 100,
    p50Ms: 1_900,
    p99Ms: 2_699,
    lastMs: 2_699,
    busiestSecond: 4 / 6,
    bySecond: [1, 2, 2],
  });
});

Deno.test("countReturn() takes two returns a whole second apart for those of two seconds", () => {
  assert.equal(countReturn([0, 1_000], 2).busiestSecond, 1 / 2);
  assert.equal(countReturn([0, 999], 2).busiestSecond, 1);
});
