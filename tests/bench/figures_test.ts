import assert from "node:assert/strict";
import { figureNames, figuresOf, median, percentile, type Samples } from "../../scripts/bench/figures.ts";

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
const yardsticks = { bareStartMs: 20, engineP50Ms: 2, engineP99Ms: 5 };

/** The same values for every figure. */
function samplesOf(values: readonly number[]): Samples {
  return {
    "launch → first status, 0 apps": values,
    "launch → CONNECTED, 0 apps": values,
    "processor time until CONNECTED, 0 apps": values,
    "launch → first status, 10 apps": values,
    "launch → CONNECTED, 10 apps": values,
    "processor time until CONNECTED, 10 apps": values,
    "idle memory (RSS), 10 apps": values,
    "device_handshake, p50": values,
    "device_handshake, p99": values,
    "list_containers, p50": values,
    "list_containers, p99": values,
  };
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
  const cases: [samples: number[], expected: number][] = [[[5], 5], [[10, 9, 100], 10], [[4, 1, 3, 2], 2.5], [
    [2, 1],
    1.5,
  ]];
  for (const [samples, expected] of cases) assert.equal(median(samples), expected, samples.join(" "));
  assert.throws(() => median([]), RangeError);
});

Deno.test("figuresOf() holds each program against its own bars and yardsticks", () => {
  const samples = samplesOf([500, 400, 900]);
  const of = (program: "source" | "bundle", name: string) =>
    figuresOf(program, samples, yardsticks).find((figure) => figure.name === name);
  assert.deepEqual(of("bundle", "launch → first status, 0 apps"), {
    program: "bundle",
    name: "launch → first status, 0 apps",
    unit: "ms",
    value: 500,
    least: 400,
    most: 900,
    bar: 450,
    timesYardstick: 25,
  });
  assert.equal(of("source", "launch → first status, 0 apps")?.bar, 650);
  assert.equal(of("source", "idle memory (RSS), 10 apps")?.unit, "MiB");
  assert.equal(of("source", "idle memory (RSS), 10 apps")?.timesYardstick, undefined);
  assert.equal(of("source", "processor time until CONNECTED, 10 apps")?.bar, undefined);
});

Deno.test("figuresOf() gives list_containers the engine's own time and 1.5 ms", () => {
  const figures = figuresOf("bundle", samplesOf([3]), yardsticks);
  const bars = figures.filter(({ name }) => name.startsWith("list_containers")).map(({ bar }) => bar);
  assert.deepEqual(bars, [3.5, 6.5]);
});

Deno.test("figuresOf() leaves no figure out and keeps their order", () => {
  const names = figuresOf("source", samplesOf([1]), yardsticks).map(({ name }) => name);
  assert.deepEqual(names, [...figureNames]);
});
