import assert from "node:assert/strict";
import { asAscii } from "../../../scripts/build/ascii.ts";

const texts = ["plain", "5 µs", "größer", "日本", "😀", "…", "\u2028", "tab\t\\n"];

for (const text of texts) {
  Deno.test(`asAscii() keeps the meaning of ${JSON.stringify(text)}`, () => {
    const code = asAscii(JSON.stringify(text));
    assert.match(code, /^[\0-\x7f]*$/);
    assert.equal(JSON.parse(code), text);
  });
}

Deno.test("asAscii() keeps the meaning of regular expressions and leaves ASCII as it is", () => {
  const [plain, unicode] = [asAscii("^[\\d.]+[µμ]s$"), asAscii("^[😀é]+$")];
  assert.ok(new RegExp(plain).test("5.5µs") && new RegExp(plain).test("1μs") && !new RegExp(plain).test("1us"));
  assert.ok(new RegExp(unicode, "u").test("é😀") && !new RegExp(unicode, "u").test("\ud83d"));
  assert.equal(asAscii("`${1}` + /\\n/"), "`${1}` + /\\n/");
});
