import assert from "node:assert/strict";
import { decodeMessage, encodeMessage } from "../../lib/wamp/message.ts";

const texts: { name: string; given: string; expected: string }[] = [
  { name: "plain text stays", given: "a ü 漢 😀", expected: "a ü 漢 😀" },
  { name: "a lone high surrogate", given: "a\ud800b", expected: "a\ufffdb" },
  { name: "a lone low surrogate", given: "\udc00", expected: "\ufffd" },
  { name: "two lone surrogates in a row", given: "\ud800\ud800", expected: "\ufffd\ufffd" },
  { name: "the same as literal text", given: "\\ud800", expected: "\\ud800" },
  { name: "a backslash before a lone surrogate", given: "\\\ud800", expected: "\\\ufffd" },
  { name: "a pair in the wrong order", given: "\udc00\ud800", expected: "\ufffd\ufffd" },
];

for (const { name, given, expected } of texts) {
  Deno.test(`encodeMessage(): ${name}`, () => {
    assert.deepEqual(JSON.parse(encodeMessage([1, given, { [given]: given }])), [1, expected, {
      [expected]: expected,
    }]);
  });
}

Deno.test("encodeMessage() refuses what JSON cannot carry, and says so", () => {
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
