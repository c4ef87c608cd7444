import assert from "node:assert/strict";
import { redialWaitMs, spreadWaitMs } from "../../../lib/async/backoff.ts";
import { busiestSecondTarget, fleetTargetMs } from "../../../scripts/bench/fleet_targets.ts";
import { countReturn, type FleetReturn } from "../../../scripts/bench/fleet_return.ts";

Deno.test("spreadWaitMs() grows with the square of the attempt up to the limit", () => {
  const schedule = { firstMs: 5_000, limitMs: 3_600_000 };
  const plain = [1, 2, 3, 4, 26, 27, 1000].map((attempt) => spreadWaitMs(schedule, { attempt, random: 0.5 }));
  assert.deepEqual(plain, [5_000, 20_000, 45_000, 80_000, 3_380_000, 3_600_000, 3_600_000]);
});

Deno.test("spreadWaitMs() spreads by a fifth to both sides", () => {
  const schedule = { firstMs: 1_000, limitMs: 60_000 };
  assert.equal(spreadWaitMs(schedule, { attempt: 1, random: 0 }), 800);
  assert.equal(spreadWaitMs(schedule, { attempt: 1, random: 0.999_999 }), 1_200);
});

Deno.test("redialWaitMs() is immediate first, then bounded by the time away", () => {
  assert.equal(redialWaitMs(0, { awayMs: 0, random: 0.999 }), 0);
  for (let attempt = 1; attempt < 200; attempt += 1) {
    for (const random of [0, 0.25, 0.5, 0.999_999]) {
      const early = redialWaitMs(attempt, { awayMs: 119_999, random });
      const late = redialWaitMs(attempt, { awayMs: 120_000, random });
      assert.ok(early >= 0 && early <= 4_000, `early ${early}`);
      assert.ok(late >= 0 && late <= 30_000, `late ${late}`);
    }
  }
  assert.equal(redialWaitMs(50, { awayMs: 120_000, random: 1 }), 30_000);
  assert.equal(redialWaitMs(50, { awayMs: 0, random: 1 }), 4_000);
});

Deno.test("redialWaitMs() keeps a steady distance once it has grown, while the link was lost recently", () => {
  assert.equal(redialWaitMs(4, { awayMs: 0, random: 0 }), 0);
  assert.equal(redialWaitMs(5, { awayMs: 0, random: 0 }), 3_600);
  assert.equal(redialWaitMs(500, { awayMs: 119_999, random: 0 }), 3_600);
  assert.equal(redialWaitMs(500, { awayMs: 120_000, random: 0 }), 0);
});

Deno.test("redialWaitMs() brings a fleet of 1,000 back within the targets, after 30 s and after ten minutes", () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    for (const awaySeconds of [30, 600]) {
      const { p99Ms, busiestSecond } = bringFleetBack(awaySeconds, seed);
      assert.ok(p99Ms <= fleetTargetMs(awaySeconds), `away ${awaySeconds} s: p99 ${p99Ms} ms`);
      assert.ok(busiestSecond <= busiestSecondTarget, `away ${awaySeconds} s: ${busiestSecond} in one second`);
    }
  }
});

Deno.test("redialWaitMs() lets at most a third of a fleet dial in one second, however long the router was away", () => {
  for (let awaySeconds = 5; awaySeconds <= 240; awaySeconds += 5) {
    const { lastMs, busiestSecond } = bringFleetBack(awaySeconds, 4711);
    assert.ok(busiestSecond <= busiestSecondTarget, `away ${awaySeconds} s: ${busiestSecond} in one second`);
    if (awaySeconds < 120) assert.ok(lastMs <= 4_000, `away ${awaySeconds} s: the last after ${lastMs} ms`);
  }
});

/** A fleet whose router refuses every dial at once until it answers; dials and answers take no time. */
function bringFleetBack(awaySeconds: number, seed: number): FleetReturn {
  const awayMs = awaySeconds * 1_000;
  const random = seededRandom(seed);
  const returnsMs = Array.from({ length: 1_000 }, () => {
    let nowMs = 0;
    for (let attempt = 0; nowMs < awayMs; attempt += 1) {
      nowMs += redialWaitMs(attempt, { awayMs: nowMs, random: random() });
    }
    return nowMs - awayMs;
  });
  return countReturn(returnsMs, returnsMs.length);
}

/** Numbers from 0 to 1 that look random and are the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
