import assert from "node:assert/strict";
import { readComponents, readStart, sumOf } from "../../../scripts/footprint/components.ts";

const bundle = `var __runtime = 1;
// lib/base/quote.ts
var a = 1;
// node_modules/.deno/ws@8.18.3/node_modules/ws/lib/sender.js
var require_sender = 2;
  // a comment that is not a path
// node_modules/.deno/@logtape+logtape@2.4.0/node_modules/@logtape/logtape/dist/mod.js
var c;
// lib/base/room.ts
// lib/agent.ts
var d = 4;
// main.ts
`;

Deno.test("readComponents() counts modules and bytes of packages and of our folders", () => {
  assert.deepEqual([...readComponents(bundle)].map(([name, { modules, bytes }]) => [name, modules, bytes]), [
    ["lib/base", 2, "var a = 1;\n".length],
    ["ws", 1, "var require_sender = 2;\n  // a comment that is not a path\n".length],
    ["@logtape/logtape", 1, "var c;\n".length],
    ["lib/agent", 1, "var d = 4;\n".length],
    ["main", 1, 1],
  ]);
});

Deno.test("readComponents() counts a module once although the bundler has split it", () => {
  const components = readComponents("// lib/base/a.ts\nx\n// lib/base/b.ts\ny\n// lib/base/a.ts\nz\n");
  assert.deepEqual(components.get("lib/base"), { modules: 2, bytes: 7 });
});

Deno.test("sumOf() adds the components up", () => {
  assert.deepEqual(sumOf(readComponents("// lib/base/a.ts\nx\n// lib/disk/b.ts\ny")), { modules: 2, bytes: 4 });
  assert.deepEqual(sumOf(new Map()), { modules: 0, bytes: 0 });
});

const root = "file:///project/";

function graph(modules: Record<string, object[]>): string {
  const list = Object.entries(modules).map(([specifier, dependencies]) => ({ specifier, dependencies }));
  return JSON.stringify({ modules: list, redirects: { "npm:ws@8.18.3": "npm:/ws@8.18.3" } });
}

const to = (specifier: string, isDynamic = false) => ({ code: { specifier }, ...(isDynamic ? { isDynamic } : {}) });

const modules = {
  "file:///project/main.ts": [to("file:///project/lib/flags.ts"), to("file:///project/lib/agent.ts", true)],
  "file:///project/lib/flags.ts": [],
  "file:///project/lib/agent.ts": [
    to("npm:ws@8.18.3"),
    to("node:net"),
    to("file:///project/lib/later.ts", true),
    { type: { specifier: "file:///project/lib/shape.ts" } },
  ],
  "file:///project/lib/later.ts": [to("node:v8")],
  "file:///project/lib/shape.ts": [],
  "npm:/ws@8.18.3": [],
  "node:net": [],
  "node:v8": [],
};

Deno.test("readStart() follows dynamic imports of the main module and of no other", () => {
  const expected = ["lib/agent.ts", "lib/flags.ts", "main.ts", "node:net", "npm:ws"];
  assert.deepEqual(readStart(graph(modules), root), expected);
});

Deno.test("readStart() includes a dynamic import that another module imports statically", () => {
  const flags = [to("file:///project/lib/later.ts")];
  const found = readStart(graph({ ...modules, "file:///project/lib/flags.ts": flags }), root);
  assert.ok(found.includes("node:v8"), found.join(" "));
});

Deno.test("readStart() refuses anything but a graph of the program", () => {
  for (const text of ["{}", '{"modules":3}', '{"modules":[{}]}', '{"modules":[{"specifier":"file:///x/main.ts"}]}']) {
    assert.throws(() => readStart(text, root), /^Error: Cannot read the graph of modules: /, text);
  }
});
