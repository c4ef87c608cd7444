/** Tests of quoting as Go does it. */

import assert from "node:assert/strict";
import { escapeText, quoteText } from "../../../lib/base/quote.ts";

const cases: [text: string, quoted: string][] = [
  ["", '""'],
  ["plain text", '"plain text"'],
  ['say "hi"', '"say \\"hi\\""'],
  ["a\\b", '"a\\\\b"'],
  ["\x07\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'],
  ["\0\x1b\x7f", '"\\x00\\x1b\\x7f"'],
  ["é ü 日 😀", '"é ü 日 😀"'],
  ["\u00a0\u200b\ue000", '"\\u00a0\\u200b\\ue000"'],
  ["\u{e0001}\u{10ffff}", '"\\U000e0001\\U0010ffff"'],
  ["\ud800x", '"\ufffdx"'],
];

for (const [text, quoted] of cases) {
  Deno.test(`quoteText() returns ${quoted}`, () => {
    assert.equal(quoteText(text), quoted);
    assert.equal(escapeText(text), quoted.slice(1, -1));
  });
}

Deno.test("#3: quoteText() quotes the beginning of a long text only", () => {
  const began = performance.now();
  const quoted = quoteText("x".repeat(10_000_000));
  assert.equal(quoted.length, 16_384 + 3);
  assert.ok(quoted.endsWith('x…"'));
  assert.ok(performance.now() - began < 1_000);
});
