import assert from "node:assert/strict";
import { countReturn } from "../../../scripts/bench/fleet_return.ts";

Deno.test("countReturn() returns the times, the missing agents, and the busiest second wherever it is", () => {
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

Deno.test("countReturn() counts two returns a full second apart in different seconds", () => {
  assert.equal(countReturn([0, 1_000], 2).busiestSecond, 1 / 2);
  assert.equal(countReturn([0, 999], 2).busiestSecond, 1);
});
