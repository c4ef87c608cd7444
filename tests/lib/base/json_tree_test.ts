/** Tests of the JSON tree: what it keeps, its layout, and what it refuses. */

import assert from "node:assert/strict";
import { formatJsonTree, parseJsonTree } from "../../../lib/base/json_tree.ts";

Deno.test("parseJsonTree() and formatJsonTree() keep order, numbers, escapes and equal names", () => {
  const text = '{"2":1,"1":12345678901234567890.10e5,"a":"\\u00e9\\/\\"","a":[-0,true,null,{}],"__proto__":[]}';
  assert.equal(
    format(text),
    [
      "{",
      ' "2": 1,',
      ' "1": 12345678901234567890.10e5,',
      ' "a": "\\u00e9\\/\\"",',
      ' "a": [',
      "  -0,",
      "  true,",
      "  null,",
      "  {}",
      " ],",
      ' "__proto__": []',
      "}",
    ].join("\n"),
  );
});

Deno.test("formatJsonTree() formats random trees as JSON.stringify does, and its text can be read again", () => {
  const random = randomNumbers(42);
  for (let round = 0; round < 500; round++) {
    const value = randomValue(random, 0);
    const text = JSON.stringify(value, null, 1);
    assert.equal(format(JSON.stringify(value)), text);
    assert.equal(format(`\r\n\t ${JSON.stringify(value, null, "\t")} \n`), text);
    assert.equal(format(text), text);
  }
});

Deno.test("parseJsonTree() refuses every text that ends early", () => {
  const text = '{"name": "pump", "list": [1, 2, {"x": "a\\"b"}], "flag": true}';
  for (let length = 0; length < text.length; length++) {
    assert.equal(parseJsonTree(text.slice(0, length)).kind, "broken", text.slice(0, length));
  }
});

const broken: [text: string, reason: string][] = [
  ["", "it is empty"],
  [" \n\t", "it is empty"],
  ["\0\0\0\0", "it is not valid JSON (line 1, column 1)"],
  ["\n\n <html>", "it is not valid JSON (line 3, column 2)"],
  ['{"a": 1,\n "b" 2}', "it is not valid JSON (line 2, column 6)"],
  ['{"a": 1', "it is not valid JSON (line 1, column 8)"],
  ['{"a": 1}}', "it is not valid JSON (line 1, column 9)"],
  ["{'a': 1}", "it is not valid JSON (line 1, column 2)"],
  [`${"[".repeat(50_000)}${"]".repeat(50_000)}`, "it is nested deeper than 100 levels"],
];

for (const [text, reason] of broken) {
  Deno.test(`parseJsonTree() refuses ${JSON.stringify(text.slice(0, 20))} because ${reason}`, () => {
    assert.deepEqual(parseJsonTree(text), { kind: "broken", reason });
  });
}

Deno.test("parseJsonTree() quotes nothing of a broken text", () => {
  const text = '{"secret": "hunter2-hunter2" "next": 1}';
  for (let length = 1; length <= text.length; length++) {
    const parsed = parseJsonTree(text.slice(0, length));
    assert.ok(parsed.kind === "broken" && !/hunt|secr/.test(parsed.reason));
  }
});

Deno.test("parseJsonTree() reads a string of a megabyte", () => {
  const text = JSON.stringify({ long: 'x"\\'.repeat(300_000) });
  assert.equal(format(text), text.replace("{", "{\n ").replace(':"', ': "').replace(/}$/, "\n}"));
});

function format(text: string): string {
  const parsed = parseJsonTree(text);
  assert.ok(parsed.kind === "tree", parsed.kind === "broken" ? parsed.reason : "");
  return formatJsonTree(parsed.root);
}

function randomNumbers(seed: number): () => number {
  return () => (seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

function randomValue(random: () => number, depth: number): unknown {
  const choice = Math.floor(random() * (depth > 4 ? 5 : 7));
  const many = Array.from({ length: Math.floor(random() * 4) });
  switch (choice) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
      return Math.round((random() - 0.5) * 1e6) / 8;
    case 3:
      return String.fromCharCode(...many.map(() => Math.floor(random() * 300)));
    case 4:
      return "";
    case 5:
      return many.map(() => randomValue(random, depth + 1));
    default:
      return Object.fromEntries(many.map((_, index) => [`k${index}`, randomValue(random, depth + 1)]));
  }
}
