import assert from "node:assert/strict";
import {
  median,
  mergeResults,
  percentile,
  type Result,
  resultsOf,
  targetOf,
  verdictOf,
} from "../../../scripts/bench/results.ts";
import { groupNames } from "../../../scripts/bench/row.ts";
import { rowIds, rows } from "../../../scripts/bench/rows.ts";

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
const setting = { program: "bundle", router: "embedded" } as const;

function result(given: Partial<Result> & Pick<Result, "id">): Result {
  return { ...setting, value: 1, least: 1, most: 1, ...given };
}

Deno.test("percentile() returns the value that a percentage of the samples does not exceed", () => {
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

Deno.test("median() returns the middle value, in numeric order", () => {
  const cases: [samples: number[], expected: number][] = [
    [[5], 5],
    [[10, 9, 100], 10],
    [[4, 1, 3, 2], 2.5],
    [[2, 1], 1.5],
  ];
  for (const [samples, expected] of cases) assert.equal(median(samples), expected, samples.join(" "));
  assert.throws(() => median([]), RangeError);
});

Deno.test("resultsOf() takes the median and the extremes, and the yardstick's median, in the order of the rows", () => {
  const results = resultsOf({
    "stop.ms": { values: [30, 10, 20] },
    "install.total": { values: [5, 4], yardstick: [3, 1, 9] },
  }, setting);
  assert.deepEqual(results, [
    { id: "install.total", ...setting, value: 4.5, least: 4, most: 5, yardstick: 3 },
    { id: "stop.ms", ...setting, value: 20, least: 10, most: 30 },
  ]);
});

Deno.test("targetOf() distinguishes programs and routers", () => {
  const cases: [result: Result, expected: ReturnType<typeof targetOf>][] = [
    [result({ id: "memory.rss" }), { kind: "atMost", value: 62 }],
    [result({ id: "memory.rss", program: "source" }), { kind: "atMost", value: 78 }],
    [result({ id: "calls.handshake.p50" }), { kind: "atMost", value: 0.8 }],
    [result({ id: "calls.handshake.p50", router: "crossbar" }), { kind: "atMost", value: 1.24 }],
    [result({ id: "calls.storage.rate", program: "source" }), { kind: "atLeast", value: 4_000 }],
    [result({ id: "start.processor.0" }), undefined],
  ];
  for (const [given, expected] of cases) assert.deepEqual(targetOf(given), expected, given.id);
});

Deno.test("targetOf() adds the limit to the yardstick, and returns no target without a yardstick", () => {
  assert.deepEqual(targetOf(result({ id: "calls.containers.p50", yardstick: 2 })), { kind: "atMost", value: 3.5 });
  assert.deepEqual(targetOf(result({ id: "update.large", yardstick: 400 })), { kind: "atMost", value: 500 });
  assert.equal(targetOf(result({ id: "update.large" })), undefined);
});

Deno.test("verdictOf() says whether a result is on target, over or under it", () => {
  const cases: [result: Result, expected: string | undefined][] = [
    [result({ id: "stop.ms", value: 300 }), "ok"],
    [result({ id: "stop.ms", value: 300.1 }), "over"],
    [result({ id: "calls.storage.rate", value: 4_000 }), "ok"],
    [result({ id: "calls.storage.rate", value: 3_999 }), "under"],
    [result({ id: "logs.flood.dropped", value: 0 }), "ok"],
    [result({ id: "logs.flood.dropped", value: 1 }), "over"],
    [result({ id: "payload.brotli", value: 1 }), undefined],
  ];
  for (const [given, expected] of cases) assert.equal(verdictOf(given), expected, `${given.id} ${given.value}`);
});

Deno.test("mergeResults() replaces repeated measurements and keeps the rest, in the order of the rows", () => {
  const [stop, source, rss] = [
    result({ id: "stop.ms", value: 1 }),
    result({ id: "stop.ms", value: 2, program: "source" }),
    result({ id: "memory.rss", value: 3 }),
  ];
  const again = result({ id: "stop.ms", value: 4 });
  assert.deepEqual(mergeResults([stop, source], [rss, again]), [rss, again, source]);
  assert.deepEqual(mergeResults([], []), []);
});

Deno.test("the rows of a group stand together, in the order of the groups", () => {
  const order = rowIds.map((id) => rows[id].group).filter((group, index, all) => group !== all[index - 1]);
  assert.deepEqual(order, [...groupNames]);
});

Deno.test("a row whose target is above a yardstick names the yardstick", () => {
  const nameless = rowIds.filter((id) =>
    rows[id].target?.kind === "aboveYardstick" && rows[id].yardstick === undefined
  );
  assert.deepEqual(nameless, []);
});
