/** Where text can be cut. */

import assert from "node:assert/strict";
import { characterEnd } from "../../../lib/terminals/character_end.ts";

const rows: [bytes: number[], end: number][] = [
  [[], 0],
  [[0x74, 0x65, 0xc2], 2],
  [[0xc2, 0xb0, 0x43], 3],
  [[0x78, 0x79, 0xfe], 3],
  [[0xe2], 0],
  [[0x61, 0xe2, 0x82], 1],
  [[0xe2, 0x82, 0xac], 3],
  [[0xf0, 0x9f, 0x98], 0],
  [[0xf0, 0x9f, 0x98, 0x80], 4],
  [[0x80, 0x80, 0x80, 0x80, 0x80], 5],
  [[0xc2, 0x41], 2],
];

for (const [bytes, end] of rows) {
  Deno.test(`characterEnd() of ${Uint8Array.from(bytes).toHex() || "nothing"} is ${end}`, () => {
    assert.equal(characterEnd(Uint8Array.from(bytes)), end);
  });
}

Deno.test("text that is cut at every place is the same text, and each part is whole", () => {
  const text = "aé€😀 ß漢字\u{10ffff}z";
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= 7; size += 1) {
    let held = new Uint8Array();
    let joined = "";
    for (let at = 0; at < bytes.length; at += size) {
      const all = Uint8Array.from([...held, ...bytes.subarray(at, at + size)]);
      const end = characterEnd(all);
      joined += new TextDecoder("utf-8", { fatal: true }).decode(all.subarray(0, end));
      held = all.slice(end);
    }
    assert.equal(joined, text);
    assert.equal(held.length, 0);
  }
});
