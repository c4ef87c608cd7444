import assert from "node:assert/strict";
import { redialWaitMs, spreadWaitMs } from "../../lib/base/backoff.ts";

Deno.test("spreadWaitMs() grows with the square of the attempt up to the limit", () => {
  const schedule = { firstMs: 5_000, limitMs: 3_600_000 };
  const plain = [1, 2, 3, 4, 26, 27, 1000].map((attempt) => spreadWaitMs(schedule, attempt, 0.5));
  assert.deepEqual(plain, [5_000, 20_000, 45_000, 80_000, 3_380_000, 3_600_000, 3_600_000]);
});

Deno.test("spreadWaitMs() spreads by a fifth to both sides", () => {
  const schedule = { firstMs: 1_000, limitMs: 60_000 };
  assert.equal(spreadWaitMs(schedule, 1, 0), 800);
  assert.equal(spreadWaitMs(schedule, 1, 0.999_999), 1_200);
});

Deno.test("redialWaitMs() is immediate first, then bounded by the time away", () => {
  assert.equal(redialWaitMs(0, 0, 0.999), 0);
  for (let attempt = 1; attempt < 200; attempt += 1) {
    for (const random of [0, 0.25, 0.5, 0.999_999]) {
      const early = redialWaitMs(attempt, 119_999, random);
      const late = redialWaitMs(attempt, 120_000, random);
      assert.ok(early >= 0 && early <= 4_000, `early ${early}`);
      assert.ok(late >= 0 && late <= 30_000, `late ${late}`);
    }
  }
  assert.equal(redialWaitMs(50, 120_000, 1), 30_000);
  assert.equal(redialWaitMs(50, 0, 1), 4_000);
});
