import assert from "node:assert/strict";
import { findHouseFaults } from "../../../scripts/gate/house.ts";

const head = "/** What it is for. */\n\n";

const table: { name: string; path: string; text: string; faults: string[] }[] = [
  { name: "a documented export passes", path: "lib/a.ts", text: `${head}/** A. */\nexport const a = 1;\n`, faults: [] },
  {
    name: "an export without a doc comment fails",
    path: "lib/a.ts",
    text: `${head}export function read(): void {}\n`,
    faults: ["lib/a.ts:3 exports read without a doc comment"],
  },
  {
    name: "a file without a first comment fails",
    path: "lib/a.ts",
    text: "const a = 1;\n",
    faults: ["lib/a.ts does not begin with a doc comment that says what it is for"],
  },
  {
    name: "a long file fails",
    path: "lib/a.ts",
    text: head + "\n".repeat(400),
    faults: ["lib/a.ts has 402 lines, more than 400"],
  },
  {
    name: "an empty name fails",
    path: "lib/apps/utils.ts",
    text: head,
    faults: [`lib/apps/utils.ts: "utils" says nothing about what the file holds`],
  },
  {
    name: "another case fails",
    path: "lib/appState.ts",
    text: head,
    faults: ["lib/appState.ts is not named in snake_case"],
  },
  {
    name: "ending the process in lib fails",
    path: "lib/a.ts",
    text: `${head}Deno.exit(1);\n`,
    faults: ["lib/a.ts:3 ends the process; only main.ts may"],
  },
  {
    name: "a test file needs no doc comments",
    path: "tests/lib/a_test.ts",
    text: "export const a = 1;\n",
    faults: [],
  },
  {
    name: "what tests share does",
    path: "tests/fakes/a.ts",
    text: "export const a = 1;\n",
    faults: [
      "tests/fakes/a.ts does not begin with a doc comment that says what it is for",
      "tests/fakes/a.ts:1 exports a without a doc comment",
    ],
  },
];

for (const row of table) {
  Deno.test(`findHouseFaults(): ${row.name}`, () => {
    assert.deepEqual(findHouseFaults({ path: row.path, text: row.text }), row.faults);
  });
}
