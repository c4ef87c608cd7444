import assert from "node:assert/strict";
import { interpolate } from "../../../../lib/apps/compose/interpolate.ts";

const variables = new Map([["A", "a"], ["EMPTY", ""], ["B_2", "b"]]);

const cases: [text: string, expected: string][] = [
  ["plain", "plain"],
  ["$A-${A}-$B_2.x", "a-a-b.x"],
  ["$$A $${A}", "$A ${A}"],
  ["${NO}|$NO|", "||"],
  ["${NO:-x}|${NO-x}|${EMPTY:-x}|${EMPTY-x}|${A:-x}", "x|x|x||a"],
  ["${NO:+x}|${NO+x}|${EMPTY:+x}|${EMPTY+x}|${A:+x}", "|||x|x"],
  ["${NO:?must be}|${A:?must be}", "|a"],
  ["${NO:-${A}/${NO:-y}}z", "a/yz"],
  ["${NO:-}", ""],
  ["$", "$"],
  ["$1 ${ ${1} ${A", "$1 ${ ${1} ${A"],
];

for (const [text, expected] of cases) {
  Deno.test(`interpolate() of ${text}`, () => assert.equal(interpolate(text, variables), expected));
}

Deno.test("interpolate() ends for a text that is nested without an end", () => {
  const text = "${X:-".repeat(2_000) + "}".repeat(2_000);
  assert.ok(interpolate(text, variables).length <= text.length);
});
