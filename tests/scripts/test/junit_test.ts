import assert from "node:assert/strict";
import { judgeRun, readJunit } from "../../../scripts/test/junit.ts";

const report = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="1" errors="1" time="0.008">
    <testsuite name="./tests/a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="well" classname="./tests/a_test.ts" time="0.000" line="3" col="6">
        </testcase>
        <testcase name="fails &amp; &lt;b&gt;" classname="./tests/a_test.ts" time="0.000" line="4" col="6">
            <failure message="Uncaught Error: boom">Error: boom
    at file:///a_test.ts:4:40</failure>
        </testcase>
        <testcase name="left out" classname="./tests/a_test.ts" time="0.000" line="5" col="11">
            <skipped/>
        </testcase>
    </testsuite>
    <testsuite name="./tests/d_test.ts" tests="1" disabled="0" errors="1" failures="0">
        <testcase name="late" classname="./tests/d_test.ts" time="0.000" line="1" col="6">
            <error message="Cancelled"/>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("readJunit() finds what passed, failed and was skipped", () => {
  assert.deepEqual(readJunit(report), [
    { file: "tests/a_test.ts", name: "well", kind: "passed", text: "" },
    {
      file: "tests/a_test.ts",
      name: "fails & <b>",
      kind: "failed",
      text: "Error: boom\n    at file:///a_test.ts:4:40",
    },
    { file: "tests/a_test.ts", name: "left out", kind: "skipped", text: "" },
    { file: "tests/d_test.ts", name: "late", kind: "failed", text: "Cancelled" },
  ]);
  assert.deepEqual(readJunit(""), []);
});

Deno.test("judgeRun() counts a file without tests, and a run that failed without a failed test, as failed", () => {
  const failed = (files: string[], run: { xml: string; success: boolean; output: string; killedBecause?: string }) =>
    judgeRun(files, run).filter((outcome) => outcome.kind === "failed").map(({ file, name, text }) => ({
      file,
      name,
      text,
    }));
  const good = report.replace(/<failure[^]*?<\/failure>|<error [^>]*>/g, "");
  const files = ["tests/a_test.ts", "tests/d_test.ts"];
  assert.deepEqual(failed(files, { xml: good, success: true, output: "" }), []);
  assert.deepEqual(failed([...files, "tests/x_test.ts"], { xml: good, success: false, output: "" }), [
    { file: "tests/x_test.ts", name: "ran no test", text: "" },
  ]);
  assert.deepEqual(failed(["tests/x_test.ts"], { xml: "", success: false, output: "type error\n" }), [
    { file: "tests/x_test.ts", name: "ran no test", text: "type error" },
  ]);
  assert.deepEqual(failed(files, { xml: good, success: false, output: "uncaught" }), [
    { file: "tests/a_test.ts, tests/d_test.ts", name: "ended with an error", text: "uncaught" },
  ]);
  const hung = { xml: "", success: false, output: "running 2 tests\na ... ok\nb ...\n", killedBecause: "It was late" };
  assert.deepEqual(failed(["tests/x_test.ts"], hung), [
    { file: "tests/x_test.ts", name: "ran no test", text: "It was late\nb ..." },
  ]);
});
