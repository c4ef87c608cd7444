import assert from "node:assert/strict";
import type { Figure } from "../../../scripts/bench/figures.ts";
import { placeOf, plotLines, renderPlot, scaleEnd } from "../../../scripts/bench/plot.ts";

const figure: Figure = {
  id: "logs.flood.most",
  program: "bundle",
  router: "embedded",
  value: 100,
  least: 100,
  most: 100,
};

Deno.test("placeOf() counts factors of two from the bar, better to the left", () => {
  const cases: [value: number, kind: "most" | "least", bar: number, expected: number][] = [
    [50, "most", 50, 0],
    [100, "most", 50, 1],
    [25, "most", 50, -1],
    [100, "least", 50, -1],
    [25, "least", 50, 1],
    [1_000_000, "most", 1, scaleEnd],
    [0, "most", 50, -scaleEnd],
    [0, "least", 50, scaleEnd],
    [0, "most", 0, 0],
    [1, "most", 0, scaleEnd],
  ];
  for (const [value, kind, bar, expected] of cases) {
    assert.equal(placeOf(value, { kind, value: bar }), expected, `${value}, at ${kind} ${bar}`);
  }
});

Deno.test("plotLines() leaves out what has no bar", () => {
  assert.deepEqual(plotLines([{ ...figure, id: "payload.brotli" }]), []);
  assert.deepEqual(plotLines([{ ...figure, id: "update.large" }]), [], "its yardstick is missing");
});

Deno.test("plotLines() sets figure and reference beside the bar", () => {
  assert.deepEqual(plotLines([figure]), [{
    name: "log flood: device_handshake, slowest",
    program: "bundle",
    isWithin: false,
    text: "100 ms ≤ 50",
    place: 1,
    referenceText: "51",
    referencePlaces: [Math.log2(51 / 50)],
  }]);
});

Deno.test("renderPlot() marks each figure as within its bar or not, and the reference", () => {
  const lines = plotLines([figure, { ...figure, value: 25 }, { ...figure, id: "stop.ms", value: 299 }]);
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
