import assert from "node:assert/strict";
import { findHouseViolations } from "../../../scripts/gate/house.ts";

const head = "/** What it is for. */\n\n";

const table: { name: string; path: string; text: string; violations: string[] }[] = [
  {
    name: "a documented export passes",
    path: "lib/a.ts",
    text: `${head}/** A. */\nexport const a = 1;\n`,
    violations: [],
  },
  {
    name: "an export without a doc comment fails",
    path: "lib/a.ts",
    text: `${head}export function read(): void {}\n`,
    violations: ["lib/a.ts:3 exports read without a doc comment"],
  },
  {
    name: "a file without a doc comment at its top fails",
    path: "lib/a.ts",
    text: "const a = 1;\n",
    violations: ["lib/a.ts does not begin with a doc comment"],
  },
  {
    name: "a long file fails",
    path: "lib/a.ts",
    text: head + "\n".repeat(400),
    violations: ["lib/a.ts has 402 lines, more than 400"],
  },
  {
    name: "a meaningless name fails",
    path: "lib/apps/utils.ts",
    text: head,
    violations: [`lib/apps/utils.ts: "utils" does not say what the file holds`],
  },
  {
    name: "a name in camelCase fails",
    path: "lib/appState.ts",
    text: head,
    violations: ["lib/appState.ts is not named in snake_case"],
  },
  {
    name: "a re-export fails",
    path: "lib/a.ts",
    text: `${head}export type { A } from "./b.ts";\nexport {\n  c,\n} from "./c.ts";\nexport * from "./d.ts";\n`,
    violations: [3, 4, 7].map((line) => {
      return `lib/a.ts:${line} exports again what another file defines; import it from there`;
    }),
  },
  {
    name: "ending the process in lib fails",
    path: "lib/a.ts",
    text: `${head}Deno.exit(1);\n`,
    violations: ["lib/a.ts:3 ends the process; only main.ts may"],
  },
  {
    name: "a test file needs no doc comments",
    path: "tests/lib/a_test.ts",
    text: "export const a = 1;\n",
    violations: [],
  },
  {
    name: "other files of tests need them",
    path: "tests/fakes/a.ts",
    text: "export const a = 1;\n",
    violations: [
      "tests/fakes/a.ts does not begin with a doc comment",
      "tests/fakes/a.ts:1 exports a without a doc comment",
    ],
  },
];

for (const row of table) {
  Deno.test(`findHouseViolations(): ${row.name}`, () => {
    assert.deepEqual(findHouseViolations({ path: row.path, text: row.text }), row.violations);
  });
}
