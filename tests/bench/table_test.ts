import assert from "node:assert/strict";
import type { Figure } from "../../scripts/bench/figures.ts";
import { alignColumns, numberText, renderFigures } from "../../scripts/bench/table.ts";

Deno.test("numberText() shows as many digits as count", () => {
  const cases: [number, string][] = [[0, "0.00"], [0.426, "0.43"], [4.2, "4.20"], [61.84, "61.8"], [612.4, "612"], [
    1038,
    "1038",
  ]];
  for (const [value, text] of cases) assert.equal(numberText(value), text);
});

Deno.test("alignColumns() sets two columns of words left and the rest right, without spaces at the end", () => {
  assert.equal(alignColumns([["a", "bb", "1"], ["ccc", "d", "200"], ["e", "f"]]), "a    bb    1\nccc  d   200\ne    f");
  assert.equal(alignColumns([]), "");
});

Deno.test("renderFigures() says beside each figure whether it reaches its bar", () => {
  const start: Figure = {
    program: "bundle",
    name: "launch → CONNECTED, 0 apps",
    unit: "ms",
    value: 700,
    least: 650,
    most: 812.4,
    bar: 700,
    timesYardstick: 28,
  };
  const figures: Figure[] = [
    start,
    { ...start, value: 700.1 },
    {
      ...start,
      name: "processor time until CONNECTED, 0 apps",
      bar: undefined,
      timesYardstick: undefined,
    },
  ];
  const text = renderFigures(figures, { bareStartMs: 25, engineP50Ms: 1.5, engineP99Ms: 4 });
  const lines = text.split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(lines, [
    ["", "median", "least to most", "bar", "× yardstick"],
    ["bundle", "launch → CONNECTED, 0 apps", "700 ms", "650 to 812", "700 ms", "ok", "28.0"],
    ["bundle", "launch → CONNECTED, 0 apps", "700 ms", "650 to 812", "700 ms", "over", "28.0"],
    ["bundle", "processor time until CONNECTED, 0 apps", "700 ms", "650 to 812"],
    ["yardstick", "launch → end of an empty program", "25.0 ms"],
    ["yardstick", "GET /containers/json of the engine, p50", "1.50 ms"],
    ["yardstick", "GET /containers/json of the engine, p99", "4.00 ms"],
  ]);
});
