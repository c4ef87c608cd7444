import assert from "node:assert/strict";
import { HeadAndTail } from "../../../lib/host/head_and_tail.ts";

function keep(lines: readonly string[]): string[] {
  const kept = new HeadAndTail();
  for (const line of lines) kept.add(line);
  return kept.lines();
}

const numbered = (count: number, from = 1) => Array.from({ length: count }, (_, index) => `line ${index + from}`);

const table: readonly { name: string; given: string[]; expected: string[] }[] = [
  { name: "nothing", given: [], expected: [] },
  { name: "blank lines are left out, others trimmed", given: ["", "  a ", "\t", "b\r"], expected: ["a", "b"] },
  { name: "30 lines are all kept", given: numbered(30), expected: numbered(30) },
  {
    name: "of 31 lines one is omitted",
    given: numbered(31),
    expected: [...numbered(5), "(1 line(s) omitted)", ...numbered(25, 7)],
  },
  {
    name: "of very many",
    given: numbered(100_000),
    expected: [...numbered(5), "(99970 line(s) omitted)", ...numbered(25, 99_976)],
  },
  { name: "512 bytes stay", given: ["x".repeat(512)], expected: ["x".repeat(512)] },
  { name: "513 bytes are cut", given: ["x".repeat(513)], expected: [`${"x".repeat(512)}…`] },
  { name: "no character is halved", given: [`x${"é".repeat(300)}`], expected: [`x${"é".repeat(255)}…`] },
  { name: "nor one of four bytes", given: ["😀".repeat(129)], expected: [`${"😀".repeat(128)}…`] },
];

for (const { name, given, expected } of table) {
  Deno.test(`HeadAndTail: ${name}`, () => assert.deepEqual(keep(given), expected));
}
