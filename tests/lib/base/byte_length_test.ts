import assert from "node:assert/strict";
import { byteLength } from "../../../lib/base/byte_length.ts";

Deno.test("byteLength() counts UTF-8 bytes as an encoder does", () => {
  for (const text of ["", "a", "é", "…", "𝄞", "a𝄞é…", "\ud834", "\udd1e\ud834", "\ud834a", "日本語"]) {
    assert.equal(byteLength(text), new TextEncoder().encode(text).length, JSON.stringify(text));
  }
});
