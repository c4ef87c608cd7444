import assert from "node:assert/strict";
import { findCycles } from "../../../scripts/gate/cycles.ts";

const table: { name: string; graph: Record<string, string[]>; violations: string[] }[] = [
  { name: "a chain passes", graph: { a: ["b"], b: ["c"], c: [] }, violations: [] },
  { name: "two paths to one file pass", graph: { a: ["b", "c"], b: ["d"], c: ["d"], d: [] }, violations: [] },
  { name: "imports of other files pass", graph: { a: ["elsewhere"] }, violations: [] },
  {
    name: "two files that import each other fail",
    graph: { a: ["b"], b: ["a"] },
    violations: ["Imports form a cycle: a.ts → b.ts → a.ts"],
  },
  { name: "a file that imports itself fails", graph: { a: ["a"] }, violations: ["Imports form a cycle: a.ts → a.ts"] },
  {
    name: "a cycle is reported without the files that lead to it",
    graph: { a: ["b"], b: ["c"], c: ["d"], d: ["b"] },
    violations: ["Imports form a cycle: b.ts → c.ts → d.ts → b.ts"],
  },
  {
    name: "each cycle is reported once",
    graph: { a: ["b", "c"], b: ["a"], c: ["a", "b"] },
    violations: ["Imports form a cycle: a.ts → b.ts → a.ts", "Imports form a cycle: a.ts → c.ts → a.ts"],
  },
];

for (const { name, graph, violations } of table) {
  Deno.test(`findCycles(): ${name}`, () => {
    const files = Object.entries(graph).map(([file, imports]) => {
      return { path: `${file}.ts`, text: imports.map((target) => `import "./${target}.ts";\n`).join("") };
    });
    assert.deepEqual(findCycles(files), violations);
  });
}
