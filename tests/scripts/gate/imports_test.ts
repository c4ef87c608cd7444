import assert from "node:assert/strict";
import { importedFiles, importsOf } from "../../../scripts/gate/imports.ts";

const table: { name: string; text: string; imports: string[] }[] = [
  { name: "side effects", text: `import "./a.ts";\nimport b from './b.ts';`, imports: ["./a.ts", "./b.ts"] },
  { name: "types", text: `import type { A } from "./a.ts";`, imports: ["./a.ts"] },
  { name: "several lines", text: `import {\n  a,\n  b,\n} from "./a.ts";`, imports: ["./a.ts"] },
  { name: "re-exports", text: `export { a } from "./a.ts";\nexport * from "./b.ts";`, imports: ["./a.ts", "./b.ts"] },
  { name: "dynamic imports", text: `const { a } = await import("./a.ts");`, imports: ["./a.ts"] },
  { name: "not comments", text: `// import "./a.ts";\n/* import "./b.ts"; */\n`, imports: [] },
];

for (const { name, text, imports } of table) {
  Deno.test(`importsOf() finds ${name}`, () => assert.deepEqual(importsOf(text), imports));
}

Deno.test("importedFiles() resolves relative imports and leaves packages out", () => {
  const text = `import "ws";\nimport "../base/a.ts";\nimport "./b.ts";\nimport "../../main.ts";`;
  assert.deepEqual(importedFiles({ path: "lib/store/c.ts", text }), ["lib/base/a.ts", "lib/store/b.ts", "main.ts"]);
});
