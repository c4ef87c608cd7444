import assert from "node:assert/strict";
import { readTestArguments } from "../../../scripts/test/arguments.ts";

const table: { args: string[]; wanted: ReturnType<typeof readTestArguments> }[] = [
  { args: [], wanted: { substrings: [], isNightly: false } },
  { args: ["apps", "./tests/e2e"], wanted: { substrings: ["apps", "tests/e2e"], isNightly: false } },
  { args: ["--unit"], wanted: { substrings: [], isNightly: false, only: "unit" } },
  { args: ["--nightly", "fault", "--box"], wanted: { substrings: ["fault"], isNightly: true, only: "box" } },
  { args: ["--unit", "--box"], wanted: undefined },
  { args: ["--fast"], wanted: undefined },
];

for (const { args, wanted } of table) {
  Deno.test(`readTestArguments() ${wanted === undefined ? "refuses" : "reads"} "${args.join(" ")}"`, () => {
    assert.deepEqual(readTestArguments(args), wanted);
  });
}
