import assert from "node:assert/strict";
import { graceSecondsOf, stopLimitSeconds } from "../../../../lib/apps/plan/stop_grace.ts";

Deno.test("#8: graceSecondsOf() gives time to what can use it, and no more than its limit", () => {
  const cases: [handlesSignal: boolean | undefined, stopTimeoutSeconds: number | undefined, expected: number][] = [
    [true, undefined, 10],
    [false, undefined, 1],
    [undefined, undefined, 10],
    [true, 25, 25],
    [undefined, 25, 25],
    [false, 25, 1],
    [true, 0, 0],
    [false, 0, 0],
    [true, 2.7, 2],
    [true, -1, stopLimitSeconds],
    [false, -1, 1],
    [true, 86_400, stopLimitSeconds],
  ];
  for (const [handlesSignal, stopTimeoutSeconds, expected] of cases) {
    assert.equal(
      graceSecondsOf({ handlesSignal, stopTimeoutSeconds }),
      expected,
      `${handlesSignal} ${stopTimeoutSeconds}`,
    );
  }
});
