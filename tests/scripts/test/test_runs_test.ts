import assert from "node:assert/strict";
import { planBoxRuns } from "../../../scripts/test/test_runs.ts";

const files = ["tests/fault/steps_test.ts", "tests/e2e/apps_test.ts"];

Deno.test("planBoxRuns() runs each file once, three at a time", () => {
  assert.deepEqual(planBoxRuns(files, false), { runs: files.map((file) => ({ file })), atOnce: 3 });
});

Deno.test("planBoxRuns() deals the whole fault table out to four boxes", () => {
  const [file = "", other = ""] = files;
  const runs = [...["1/4", "2/4", "3/4", "4/4"].map((part) => ({ file, part })), { file: other }];
  assert.deepEqual(planBoxRuns(files, true), { runs, atOnce: 4 });
});
