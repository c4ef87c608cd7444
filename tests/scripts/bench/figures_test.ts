import assert from "node:assert/strict";
import {
  barOf,
  type Figure,
  figuresOf,
  median,
  mergeFigures,
  percentile,
  verdictOf,
} from "../../../scripts/bench/figures.ts";
import { groupNames } from "../../../scripts/bench/row.ts";
import { rowIds, rows } from "../../../scripts/bench/rows.ts";

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
const setting = { program: "bundle", router: "embedded" } as const;

function figure(given: Partial<Figure> & Pick<Figure, "id">): Figure {
  return { ...setting, value: 1, least: 1, most: 1, ...given };
}

Deno.test("percentile() gives the value that so many of the samples do not exceed", () => {
  const cases: [samples: number[], percent: number, expected: number][] = [
    [[7], 50, 7],
    [[7], 99, 7],
    [[3, 1, 2], 50, 2],
    [[4, 1, 3, 2], 50, 2],
    [hundred, 50, 50],
    [hundred, 99, 99],
    [hundred, 100, 100],
    [hundred, 0, 1],
    [[9, 10, 100], 99, 100],
  ];
  for (const [samples, percent, expected] of cases) {
    assert.equal(percentile(samples, percent), expected, `${percent} % of ${samples.length}`);
  }
  assert.throws(() => percentile([], 50), RangeError);
});

Deno.test("median() gives the middle, by value and not by text", () => {
  const cases: [samples: number[], expected: number][] = [
    [[5], 5],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 2.5],
    [[2, 1], 1.5],
  ];
  for (const [samples, expected] of cases) assert.equal(median(samples), expected, samples.join(" "));
  assert.throws(() => median([]), RangeError);
});

Deno.test("figuresOf() takes the median and the extremes, of the yardstick too, in the order of the rows", () => {
  const figures = figuresOf({
    "stop.ms": { values: [30, 10, 20] },
    "install.total": { values: [5, 4], yardstick: [3, 1, 9] },
  }, setting);
  assert.deepEqual(figures, [
    { id: "install.total", ...setting, value: 4.5, least: 4, most: 5, yardstick: 3 },
    { id: "stop.ms", ...setting, value: 20, least: 10, most: 30 },
  ]);
});

Deno.test("barOf() gives each program and each router its own bar", () => {
  const cases: [figure: Figure, expected: ReturnType<typeof barOf>][] = [
    [figure({ id: "memory.rss" }), { kind: "most", value: 62 }],
    [figure({ id: "memory.rss", program: "source" }), { kind: "most", value: 78 }],
    [figure({ id: "calls.handshake.p50" }), { kind: "most", value: 0.8 }],
    [figure({ id: "calls.handshake.p50", router: "crossbar" }), { kind: "most", value: 1.24 }],
    [figure({ id: "calls.storage.rate", program: "source" }), { kind: "least", value: 4_000 }],
    [figure({ id: "start.processor.0" }), undefined],
  ];
  for (const [given, expected] of cases) assert.deepEqual(barOf(given), expected, given.id);
});

Deno.test("barOf() adds what is allowed to the yardstick, and has no bar without it", () => {
  assert.deepEqual(barOf(figure({ id: "calls.containers.p50", yardstick: 2 })), { kind: "most", value: 3.5 });
  assert.deepEqual(barOf(figure({ id: "update.large", yardstick: 400 })), { kind: "most", value: 500 });
  assert.equal(barOf(figure({ id: "update.large" })), undefined);
});

Deno.test("verdictOf() tells on which side of its bar a figure is", () => {
  const cases: [figure: Figure, expected: string | undefined][] = [
    [figure({ id: "stop.ms", value: 300 }), "ok"],
    [figure({ id: "stop.ms", value: 300.1 }), "over"],
    [figure({ id: "calls.storage.rate", value: 4_000 }), "ok"],
    [figure({ id: "calls.storage.rate", value: 3_999 }), "under"],
    [figure({ id: "logs.flood.dropped", value: 0 }), "ok"],
    [figure({ id: "logs.flood.dropped", value: 1 }), "over"],
    [figure({ id: "payload.brotli", value: 1 }), undefined],
  ];
  for (const [given, expected] of cases) assert.equal(verdictOf(given), expected, `${given.id} ${given.value}`);
});

Deno.test("mergeFigures() replaces what was measured again and keeps the rest, in the order of the rows", () => {
  const [stop, source, rss] = [
    figure({ id: "stop.ms", value: 1 }),
    figure({ id: "stop.ms", value: 2, program: "source" }),
    figure({ id: "memory.rss", value: 3 }),
  ];
  const again = figure({ id: "stop.ms", value: 4 });
  assert.deepEqual(mergeFigures([stop, source], [rss, again]), [rss, again, source]);
  assert.deepEqual(mergeFigures([], []), []);
});

Deno.test("the rows of a group stand together, in the order of the groups", () => {
  const order = rowIds.map((id) => rows[id].group).filter((group, index, all) => group !== all[index - 1]);
  assert.deepEqual(order, [...groupNames]);
});

Deno.test("a bar above a yardstick names it", () => {
  const nameless = rowIds.filter((id) => rows[id].bar?.kind === "aboveYardstick" && rows[id].yardstick === undefined);
  assert.deepEqual(nameless, []);
});
