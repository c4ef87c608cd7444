/** Tests of what is read from a bundle and from the graph of modules. */

import assert from "node:assert/strict";
import { readParts, readStart, sumOf } from "../../../scripts/footprint/parts.ts";

const bundle = `var __runtime = 1;
// lib/base/quote.ts
var a = 1;
// node_modules/.deno/ws@8.18.3/node_modules/ws/lib/sender.js
var require_sender = 2;
  // a remark that is no path
// node_modules/.deno/@logtape+logtape@2.4.0/node_modules/@logtape/logtape/dist/mod.js
var c;
// lib/base/room.ts
// lib/agent.ts
var d = 4;
// main.ts
`;

Deno.test("readParts() counts modules and bytes of packages and of our folders", () => {
  assert.deepEqual([...readParts(bundle)].map(([name, { modules, bytes }]) => [name, modules, bytes]), [
    ["lib/base", 2, "var a = 1;\n".length],
    ["ws", 1, "var require_sender = 2;\n  // a remark that is no path\n".length],
    ["@logtape/logtape", 1, "var c;\n".length],
    ["lib/agent", 1, "var d = 4;\n".length],
    ["main", 1, 1],
  ]);
});

Deno.test("readParts() counts a module once that the bundler has taken apart", () => {
  const parts = readParts("// lib/base/a.ts\nx\n// lib/base/b.ts\ny\n// lib/base/a.ts\nz\n");
  assert.deepEqual(parts.get("lib/base"), { modules: 2, bytes: 7 });
});

Deno.test("sumOf() adds the parts up", () => {
  assert.deepEqual(sumOf(readParts("// lib/base/a.ts\nx\n// lib/disk/b.ts\ny")), { modules: 2, bytes: 4 });
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

Deno.test("readStart() follows what the main module loads later, and nothing that others do", () => {
  const expected = ["lib/agent.ts", "lib/flags.ts", "main.ts", "node:net", "npm:ws"];
  assert.deepEqual(readStart(graph(modules), root), expected);
});

Deno.test("readStart() takes a module for loaded that somebody else needs at once", () => {
  const flags = [to("file:///project/lib/later.ts")];
  const found = readStart(graph({ ...modules, "file:///project/lib/flags.ts": flags }), root);
  assert.ok(found.includes("node:v8"), found.join(" "));
});

Deno.test("readStart() refuses what is no graph of the program", () => {
  for (const text of ["{}", '{"modules":3}', '{"modules":[{}]}', '{"modules":[{"specifier":"file:///x/main.ts"}]}']) {
    assert.throws(() => readStart(text, root), /^Error: Cannot read the graph of modules: /, text);
  }
});
