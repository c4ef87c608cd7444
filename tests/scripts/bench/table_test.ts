import assert from "node:assert/strict";
import type { Result } from "../../../scripts/bench/results.ts";
import { alignColumns, numberText, renderResults, valueText } from "../../../scripts/bench/table.ts";

Deno.test("numberText() shows three significant digits", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [0.426, "0.43"],
    [4.2, "4.20"],
    [61.84, "61.8"],
    [612.4, "612"],
    [1038, "1038"],
    [18_000, "18,000"],
    [630_464.2, "630,464"],
  ];
  for (const [value, text] of cases) assert.equal(numberText(value), text);
});

Deno.test("valueText() appends the unit, if there is one", () => {
  assert.equal(valueText(612.4, "ms"), "612 ms");
  assert.equal(valueText(52, ""), "52");
});

Deno.test("alignColumns() aligns two columns left and the rest right, without trailing spaces", () => {
  assert.equal(alignColumns([["a", "bb", "1"], ["ccc", "d", "200"], ["e", "f"]]), "a    bb    1\nccc  d   200\ne    f");
  assert.equal(alignColumns([]), "");
});

Deno.test("renderResults() shows whether each result is on target, and explains the yardsticks", () => {
  const start: Result = {
    id: "start.connected.0",
    program: "bundle",
    router: "embedded",
    value: 700,
    least: 650,
    most: 812.4,
    yardstick: 25,
  };
  const results: Result[] = [
    start,
    { ...start, value: 700.1 },
    { id: "start.processor.0", program: "source", router: "embedded", value: 510, least: 500, most: 520 },
    { id: "calls.handshake.p99", program: "bundle", router: "crossbar", value: 3, least: 3, most: 3.25 },
    { id: "calls.storage.rate", program: "bundle", router: "embedded", value: 3_000, least: 3_000, most: 3_000 },
  ];
  const lines = renderResults(results).split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(lines, [
    ["program", "what", "median", "least to most", "target", "reference", "yardstick", "×"],
    ["bundle", "launch → CONNECTED, 0 apps", "700 ms", "650 to 812", "≤ 700", "ok", "550", "25", "28"],
    ["bundle", "launch → CONNECTED, 0 apps", "700 ms", "650 to 812", "≤ 700", "over", "550", "25", "28.0"],
    ["source", "processor time until CONNECTED, 0 apps", "510 ms", "500 to 520"],
    ["bundle, crossbar", "device_handshake, p99", "3 ms", "3 to 3.25", "≤ 3.50", "ok", "2 to 3.50"],
    [
      "bundle",
      "get_storage_data, 64 in flight",
      "3000 calls/s",
      "3000 to 3000",
      "≥ 4000",
      "under",
      "1700 to 2000",
    ],
    ["yardstick of start: an empty program, launch → end"],
  ]);
});
