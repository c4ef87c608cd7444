import assert from "node:assert/strict";
import type { TestOutcome } from "../../../scripts/test/junit.ts";
import { renderSummary } from "../../../scripts/test/summary.ts";

const passed: TestOutcome = { file: "tests/a_test.ts", name: "works", kind: "passed", text: "" };
const skipped: TestOutcome = { file: "tests/b_test.ts", name: "could not run", kind: "skipped", text: "no engine" };
const failed: TestOutcome = { file: "tests/c_test.ts", name: "breaks", kind: "failed", text: "one\n\n  two\nthree" };

Deno.test("renderSummary() ends with the counts", () => {
  assert.equal(renderSummary([passed], 1_400), "\nTests took 1 s\n1 passed, 0 failed");
});

Deno.test("renderSummary() lists what was skipped and what failed, with the first lines of each text", () => {
  const text = `
Skipped:
  tests/b_test.ts: could not run
      no engine

Failed:
  tests/c_test.ts: breaks
      one
      two

Tests took 90 s
1 passed, 1 failed, 1 skipped`;
  assert.equal(renderSummary([failed, passed, skipped], 90_000), text);
});
