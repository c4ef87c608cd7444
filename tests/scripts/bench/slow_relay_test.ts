import assert from "node:assert/strict";
import { burstMs, freeAfter } from "../../../scripts/bench/slow_relay.ts";

Deno.test("freeAfter() limits a link to its speed, with a small burst after idle time", () => {
  const bytesPerSecond = 4_000_000;
  const cases: [freeAtMs: number, nowMs: number, bytes: number, expected: number][] = [
    [100, 100, 4_000, 101],
    [101, 100, 4_000, 102],
    [101, 120, 4_000, 102],
    [101, 5_000, 8_000, 5_002 - burstMs],
  ];
  for (const [freeAtMs, nowMs, bytes, expected] of cases) {
    assert.equal(freeAfter({ freeAtMs, bytesPerSecond }, { nowMs, bytes }), expected);
  }
  assert.equal(freeAfter({ freeAtMs: -99, bytesPerSecond: Infinity }, { nowMs: 3, bytes: 1_000_000 }), 3 - burstMs);
});

Deno.test("freeAfter() takes five seconds for 20 MB at 32 Mbit/s", () => {
  let freeAtMs = 0;
  for (let sent = 0; sent < 20_000_000; sent += 16_000) {
    freeAtMs = freeAfter({ freeAtMs, bytesPerSecond: 4_000_000 }, { nowMs: 0, bytes: 16_000 });
  }
  assert.equal(Math.round(freeAtMs), 5_000);
});
