import assert from "node:assert/strict";
import { lineCoverage } from "../../../scripts/gate/coverage.ts";

Deno.test("lineCoverage() adds up all files", () => {
  assert.equal(lineCoverage("SF:a\nLF:10\nLH:5\nend_of_record\nSF:b\nLF:30\nLH:25\nend_of_record\n"), 75);
});

Deno.test("lineCoverage() of an empty report is 0", () => {
  assert.equal(lineCoverage(""), 0);
});
