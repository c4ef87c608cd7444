import assert from "node:assert/strict";
import { findCycles } from "../../../scripts/gate/cycles.ts";

const table: { name: string; graph: Record<string, string[]>; faults: string[] }[] = [
  { name: "a chain passes", graph: { a: ["b"], b: ["c"], c: [] }, faults: [] },
  { name: "two ways to one file pass", graph: { a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, faults: [] },
  { name: "files that are not given pass", graph: { a: ["elsewhere"] }, faults: [] },
  {
    name: "two files that import each other fail",
    graph: { a: ["b"], b: ["a"] },
    faults: ["Imports run in a circle: a.ts → b.ts → a.ts"],
  },
  { name: "a file that imports itself fails", graph: { a: ["a"] }, faults: ["Imports run in a circle: a.ts → a.ts"] },
  {
    name: "a circle further down is named without the way to it",
    graph: { a: ["b"], b: ["c"], c: ["d"], d: ["b"] },
    faults: ["Imports run in a circle: b.ts → c.ts → d.ts → b.ts"],
  },
  {
    name: "each circle is named once",
    graph: { a: ["b", "c"], b: ["a"], c: ["a", "b"] },
    faults: ["Imports run in a circle: a.ts → b.ts → a.ts", "Imports run in a circle: a.ts → c.ts → a.ts"],
  },
];

for (const { name, graph, faults } of table) {
  Deno.test(`findCycles(): ${name}`, () => {
    const files = Object.entries(graph).map(([file, imports]) => {
      return { path: `${file}.ts`, text: imports.map((target) => `import "./${target}.ts";\n`).join("") };
    });
    assert.deepEqual(findCycles(files), faults);
  });
}
