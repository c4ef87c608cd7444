import assert from "node:assert/strict";
import type { Result } from "../../../scripts/bench/results.ts";
import { placeOf, plotLines, renderPlot, scaleEnd } from "../../../scripts/bench/plot.ts";

const result: Result = {
  id: "logs.flood.most",
  program: "bundle",
  router: "embedded",
  value: 100,
  least: 100,
  most: 100,
};

Deno.test("placeOf() counts factors of two from the target, better is negative", () => {
  const cases: [value: number, kind: "atMost" | "atLeast", target: number, expected: number][] = [
    [50, "atMost", 50, 0],
    [100, "atMost", 50, 1],
    [25, "atMost", 50, -1],
    [100, "atLeast", 50, -1],
    [25, "atLeast", 50, 1],
    [1_000_000, "atMost", 1, scaleEnd],
    [0, "atMost", 50, -scaleEnd],
    [0, "atLeast", 50, scaleEnd],
    [0, "atMost", 0, 0],
    [1, "atMost", 0, scaleEnd],
  ];
  for (const [value, kind, target, expected] of cases) {
    assert.equal(placeOf(value, { kind, value: target }), expected, `${value}, at ${kind} ${target}`);
  }
});

Deno.test("plotLines() leaves out results without a target", () => {
  assert.deepEqual(plotLines([{ ...result, id: "payload.brotli" }]), []);
  assert.deepEqual(plotLines([{ ...result, id: "update.large" }]), [], "its yardstick is missing");
});

Deno.test("plotLines() places result and reference relative to the target", () => {
  assert.deepEqual(plotLines([result]), [{
    name: "log flood: device_handshake, slowest",
    program: "bundle",
    isWithin: false,
    text: "100 ms ≤ 50",
    place: 1,
    referenceText: "51",
    referencePlaces: [Math.log2(51 / 50)],
  }]);
});

Deno.test("renderPlot() marks each result as on target or missed, and the reference", () => {
  const lines = plotLines([result, { ...result, value: 25 }, { ...result, id: "stop.ms", value: 299 }]);
  const svg = renderPlot(lines, 'a <"machine">');
  const count = (part: string) => svg.split(part).length - 1;
  // One of each kind explains the marks.
  assert.deepEqual([count('<circle class="within"'), count('<rect class="beyond"')], [3, 2]);
  assert.equal(count('<path class="reference"'), 4);
  assert.equal(count("a &lt;&quot;machine&quot;&gt;"), 1);
  assert.equal(count("prefers-color-scheme:dark"), 1);
  const opened = [...svg.matchAll(/<(\w+)[^>]*[^/]>/g)].length;
  assert.equal(opened, [...svg.matchAll(/<\/\w+>/g)].length, "an element is left open");
});
