import assert from "node:assert/strict";
import { latestHeartbeatMs } from "../../../scripts/bench/heartbeats.ts";
import { growthOf } from "../../../scripts/bench/growth.ts";
import { countModules } from "../../../scripts/bench/groups/payload.ts";
import { downtimeMs } from "../../../scripts/bench/downtime.ts";

Deno.test("latestHeartbeatMs() finds the longest wait beyond thirty seconds, including one in progress", () => {
  const cases: [beats: number[], nowMs: number, expected: number][] = [
    [[0], 10_000, 0],
    [[0, 30_000, 60_000], 61_000, 0],
    [[0, 30_250, 60_250], 61_000, 250],
    [[0, 30_250, 62_000], 63_000, 1_750],
    [[0, 30_000], 64_000, 4_000],
  ];
  for (const [beats, nowMs, expected] of cases) {
    assert.equal(latestHeartbeatMs(beats, nowMs), expected, beats.join(" "));
  }
});

Deno.test("downtimeMs() counts from the first signal to the last start", () => {
  const cases: [events: string, expected: number | undefined][] = [
    ["kill 1798000000100000000\nstart 1798000000350500000\n", 250.5],
    ["start 1798000000000000000\nkill 1798000000100000000\nkill 1798000001100000000\nstart 1798000001200000000", 1_100],
    ["start 1798000000000000000\nkill 1798000000100000000", undefined],
    ["kill 1798000000100000000", undefined],
    ["", undefined],
  ];
  for (const [events, expected] of cases) assert.equal(downtimeMs(events), expected, events);
});

Deno.test("countModules() counts each module of a bundle once", () => {
  const bundle = [
    "// lib/async/clock.ts",
    "function f() {}",
    "// a comment of the program",
    "// node_modules/ws/lib/sender.js",
    "  // node_modules/ws/lib/indented.js",
    "// node_modules/ws/lib/sender.js",
    "// node_modules/x/package.json",
  ].join("\n");
  assert.equal(countModules(bundle), 3);
  assert.throws(() => countModules("var a=1;"), RangeError);
});

Deno.test("growthOf() compares the last value with the first, whatever is in between", () => {
  assert.equal(growthOf([80, 95, 82.5]), 2.5);
  assert.equal(growthOf([80, 78]), -2);
  assert.throws(() => growthOf([]), RangeError);
});
