import assert from "node:assert/strict";
import { envFileText, invalidNamesText, isEnvFileName } from "../../../../lib/apps/compose/env_file.ts";

const values: [value: string, written: string][] = [
  ["", '""'],
  [" a b ", '" a b "'],
  ["it's #1", '"it\'s #1"'],
  ['say "x"', '"say \\"x\\""'],
  ["$HOME ${A:-b} $$", '"$$HOME $${A:-b} $$$$"'],
  ["C:\\n\\", '"C:\\\\n\\\\"'],
  ["a\nb\r\nc\td", '"a\\nb\\r\\nc\td"'],
];

for (const [value, written] of values) {
  Deno.test(`envFileText() writes ${JSON.stringify(value)}`, () => {
    assert.equal(envFileText([{ name: "A", value }, { name: "B", value: "1" }]), `A=${written}\nB="1"`);
  });
}

Deno.test("M34: isEnvFileName() is true for names that compose takes", () => {
  for (const name of ["A", "a_1", "1", "é", "A.B-c", "A[0]", "export"]) assert.ok(isEnvFileName(name), name);
  const wrong = [
    "",
    " ",
    "A B",
    "#C",
    "A\tB",
    "A\n",
    "A=B",
    "A:B",
    "A/B",
    "A$",
    "A'",
    'A"',
    "A\\",
    "A\0",
    "x".repeat(252),
  ];
  for (const name of wrong) assert.ok(!isEnvFileName(name), name);
});

Deno.test("change 7: invalidNamesText() names those that are left out", () => {
  assert.equal(
    invalidNamesText(["BAD NAME", "#C"]),
    'ignored environment variable(s) with invalid name(s): ["BAD NAME" "#C"] — names cannot be empty, contain ' +
      "spaces or '=', or start with '#'",
  );
  const many = invalidNamesText(Array.from({ length: 30 }, (_, index) => `bad ${index}`));
  assert.match(many, /"bad 19" and 10 more\] — names/);
  assert.ok(invalidNamesText(["x y".repeat(10_000)]).length < 250);
});
