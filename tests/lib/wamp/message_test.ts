import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../../lib/wamp/message.ts";

const texts: { name: string; given: string; expected: string }[] = [
  { name: "plain text stays", given: "a ü 漢 😀", expected: "a ü 漢 😀" },
  { name: "a lone high surrogate", given: "a\ud800b", expected: "a\ufffdb" },
  { name: "a lone low surrogate", given: "\udc00", expected: "\ufffd" },
  { name: "two lone surrogates in a row", given: "\ud800\ud800", expected: "\ufffd\ufffd" },
  { name: "the same as literal text", given: "\\ud800", expected: "\\ud800" },
  { name: "a backslash before a lone surrogate", given: "\\\ud800", expected: "\\\ufffd" },
  { name: "a pair in the wrong order", given: "\udc00\ud800", expected: "\ufffd\ufffd" },
  { name: "a NUL at the beginning", given: "\u0000AAA=", expected: "\ufffdAAA=" },
  { name: "a NUL alone", given: "\u0000", expected: "\ufffd" },
  { name: "only the first of two NULs", given: "\u0000\u0000b", expected: "\ufffd\u0000b" },
  { name: "a NUL in the middle stays", given: "a\u0000b", expected: "a\u0000b" },
  { name: "a NUL behind a quote of the text stays", given: '"\u0000', expected: '"\u0000' },
  { name: "a NUL behind what looks like the start of a text stays", given: '[,{:"\u0000', expected: '[,{:"\u0000' },
  { name: "a NUL behind a quoted backslash stays", given: ',\\"\u0000', expected: ',\\"\u0000' },
  { name: "the same as literal text", given: "\\u0000", expected: "\\u0000" },
  { name: "literal text behind a quote", given: '"\\u0000', expected: '"\\u0000' },
  { name: "another control character at the beginning", given: "\u0001b", expected: "\u0001b" },
  { name: "a NUL and then a lone surrogate", given: "\u0000\ud800", expected: "\ufffd\ufffd" },
];

for (const { name, given, expected } of texts) {
  Deno.test(`encodeMessage(): ${name}`, () => {
    assert.deepEqual(JSON.parse(encodeMessage([1, given, { [given]: given }])), [1, expected, {
      [expected]: expected,
    }]);
  });
}

Deno.test("encodeMessage() replaces a leading NUL at every depth, also in member names", () => {
  const given = [1, { a: [["\u0000x"], { "\u0000k": "\u0000v" }] }, ["", "\u0000"], { "": "\u0000" }];
  const expected = [1, { a: [["\ufffdx"], { "\ufffdk": "\ufffdv" }] }, ["", "\ufffd"], { "": "\ufffd" }];
  assert.deepEqual(JSON.parse(encodeMessage(given)), expected);
  assert.ok(!encodeMessage(given).includes("\\u0000"));
});

Deno.test("encodeMessage() changes only the first character, whatever the text", () => {
  const signs = ["\u0000", '"', "\\", ",", "[", ":", "{", "u0000", "a"];
  const all = signs.flatMap((a) => signs.flatMap((b) => signs.flatMap((c) => signs.map((d) => a + b + c + d))));
  for (const text of all) {
    const expected = text.startsWith("\u0000") ? `\ufffd${text.slice(1)}` : text;
    const decoded: unknown = JSON.parse(encodeMessage([1, text, { [text]: [text] }]));
    assert.deepEqual(decoded, [1, expected, { [expected]: [expected] }], JSON.stringify(text));
  }
});

Deno.test("encodeMessage() refuses what JSON cannot carry", () => {
  const loop: unknown[] = [];
  loop.push(loop);
  for (const value of [10n, loop]) {
    assert.throws(() => encodeMessage([48, value]), { code: "bad_request", message: /JSON cannot carry/ });
  }
});

Deno.test("encodeMessage() refuses a frame above the limit, counted in bytes of UTF-8", () => {
  assert.equal(encodeMessage(["x".repeat(96)], 100).length, 100);
  assert.throws(() => encodeMessage(["x".repeat(97)], 100), { code: "bad_request", message: /limit of 100 bytes/ });
  assert.equal(encodeMessage(["ü".repeat(48)], 100).length, 52);
  assert.throws(() => encodeMessage(["ü".repeat(49)], 100), { code: "bad_request" });
});

Deno.test("decodeMessage() takes lists that begin with a number, and nothing else", () => {
  assert.deepEqual(decodeMessage('[1,"a"]'), [1, "a"]);
  for (const text of ["", "{", "{}", "[]", '["1"]', "null", "5", '"[1]"', "[null]", "[1"]) {
    assert.equal(decodeMessage(text), undefined, text);
  }
});
