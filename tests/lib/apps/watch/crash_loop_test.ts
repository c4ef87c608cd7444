import assert from "node:assert/strict";
import {
  crashLoopDelayMs,
  crashLoopText,
  downloadDelayMs,
  durationText,
  ordinalText,
} from "../../../../lib/apps/watch/crash_loop.ts";

Deno.test("crashLoopDelayMs() grows with the square of the attempt up to an hour, spread by a fifth", () => {
  const plain = [5, 20, 45, 80, 125, 180, 245, 320, 405, 500];
  for (const [index, seconds] of plain.entries()) assert.equal(crashLoopDelayMs(index + 1, 0.5), seconds * 1_000);
  assert.equal(crashLoopDelayMs(26, 0.5), 3_380_000);
  assert.equal(crashLoopDelayMs(27, 0.5), 3_600_000);
  assert.equal(crashLoopDelayMs(1_000_000, 0.5), 3_600_000);
  assert.equal(crashLoopDelayMs(1, 0), 4_000);
  assert.ok(crashLoopDelayMs(1, 0.999_999) <= 6_000);
});

Deno.test("ordinalText() counts as people do", () => {
  const cases: [number, string][] = [
    [1, "1st"],
    [2, "2nd"],
    [3, "3rd"],
    [4, "4th"],
    [10, "10th"],
    [11, "11th"],
    [12, "12th"],
    [13, "13th"],
    [21, "21st"],
    [22, "22nd"],
    [101, "101st"],
    [111, "111th"],
    [112, "112th"],
  ];
  for (const [count, expected] of cases) assert.equal(ordinalText(count), expected);
});

Deno.test("durationText() writes durations as Go does", () => {
  const cases: [number, string][] = [
    [0, "0s"],
    [500, "500ms"],
    [1_000, "1s"],
    [4_235, "4.235s"],
    [60_000, "1m0s"],
    [80_500, "1m20.5s"],
    [3_600_000, "1h0m0s"],
    [3_725_010, "1h2m5.01s"],
  ];
  for (const [ms, expected] of cases) assert.equal(durationText(ms), expected);
});

Deno.test("crashLoopText() is the line that viewers know", () => {
  assert.equal(crashLoopText(1, 4_235), "Entered a crashloop (1st attempt), retrying in 4.235s");
});

Deno.test("#14: downloadDelayMs() stays below 30 s while the link is up, and is never shorter than the pause", () => {
  const delays = [1, 2, 3, 50].map((attempt) => downloadDelayMs(attempt, { isLinkUp: true, pauseMs: 0, random: 0.5 }));
  assert.deepEqual(delays, [5_000, 20_000, 24_000, 24_000]);
  for (const random of [0, 0.5, 1]) {
    for (let attempt = 1; attempt < 200; attempt += 1) {
      assert.ok(downloadDelayMs(attempt, { isLinkUp: true, pauseMs: 0, random }) < 30_000);
      for (const pauseMs of [1, 500, 20_000, 3_600_000]) {
        const delayMs = downloadDelayMs(attempt, { isLinkUp: true, pauseMs, random });
        assert.ok(delayMs > pauseMs && delayMs < Math.max(30_000, pauseMs + 3_500), `${delayMs} for ${pauseMs}`);
      }
    }
  }
  assert.equal(downloadDelayMs(50, { isLinkUp: false, pauseMs: 0, random: 0.5 }), 3_600_000);
});
