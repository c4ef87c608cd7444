import assert from "node:assert/strict";
import { readPart, rowsOfPart } from "./part.ts";
import { faultRows } from "./table.ts";

Deno.test("rowsOfPart() puts every row into exactly one part", () => {
  const parts = [1, 2, 3, 4].map((number) => rowsOfPart(faultRows, readPart(`${number}/4`)));
  assert.equal(parts.flat().length, faultRows.length);
  assert.deepEqual(new Set(parts.flat()), new Set(faultRows));
  assert.deepEqual(rowsOfPart(faultRows, readPart(undefined)), faultRows);
});

Deno.test("readPart() refuses what names no part", () => {
  for (const text of ["0/4", "5/4", "1", "1/0", "a/b", "1/4/2", "-1/4"]) {
    assert.throws(() => readPart(text), RangeError, text);
  }
});
