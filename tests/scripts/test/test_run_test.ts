import assert from "node:assert/strict";
import { judgeRun, readJunit } from "../../../scripts/test/junit.ts";
import { neededParts, selectFiles } from "../../../scripts/test/selection.ts";

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

Deno.test("judgeRun() counts a file that did not load, and a run that ended badly, as failed", () => {
  const failed = (files: string[], run: { xml: string; success: boolean; output: string }) =>
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
});

Deno.test("neededParts() reads the first line; files in tests/e2e need everything", () => {
  const table = [
    ["tests/lib/apps/plan/container_plan_test.ts", "import x", undefined],
    ["tests/e2e/boot_test.ts", "import x", ["box", "engine", "registry", "crossbar"]],
    ["tests/e2e/boot_test.ts", "// box crossbar", ["box", "crossbar"]],
    ["tests/lib/docker/engine_test.ts", "// box engine, registry", ["box", "engine", "registry"]],
    ["tests/lib/docker/engine_test.ts", "// box", ["box", "engine", "registry", "crossbar"]],
    ["tests/lib/docker/engine_test.ts", "// boxes are nice", undefined],
  ] as const;
  for (const [path, firstLine, parts] of table) assert.deepEqual(neededParts({ path, firstLine }), parts, firstLine);
  assert.throws(
    () => neededParts({ path: "tests/a_test.ts", firstLine: "// box egnine" }),
    /there is no part "egnine"/,
  );
});

Deno.test("selectFiles() filters by path and kind, puts long ones first, and skips what lacks a part", () => {
  const files = [
    "tests/b_test.ts",
    "tests/a_test.ts",
    "tests/e2e/x_test.ts",
    "tests/e2e/y_test.ts",
    "tests/e2e/z_test.ts",
  ]
    .map((path) => ({ path, firstLine: "" }));
  files.push({ path: "tests/wamp/real_test.ts", firstLine: "// box crossbar" });
  const lastMs = { "tests/e2e/x_test.ts": 5, "tests/e2e/z_test.ts": 90_000, "tests/wamp/real_test.ts": 50_000 };
  const missing = new Map();
  assert.deepEqual(selectFiles(files, { wish: { substrings: [] }, missing, lastMs }), {
    unit: ["tests/a_test.ts", "tests/b_test.ts"],
    box: ["tests/e2e/z_test.ts", "tests/e2e/y_test.ts", "tests/wamp/real_test.ts", "tests/e2e/x_test.ts"],
    skipped: [],
  });
  assert.deepEqual(selectFiles(files, { wish: { substrings: ["a_t", "e2e/x"] }, missing, lastMs }), {
    unit: ["tests/a_test.ts"],
    box: ["tests/e2e/x_test.ts"],
    skipped: [],
  });
  assert.deepEqual(selectFiles(files, { wish: { substrings: [], only: "unit" }, missing, lastMs }).box, []);
  const noEngine = new Map([["engine", "no mirror"]] as const);
  assert.deepEqual(selectFiles(files, { wish: { substrings: [], only: "box" }, missing: noEngine, lastMs }), {
    unit: [],
    box: ["tests/wamp/real_test.ts"],
    skipped: ["x", "y", "z"].map((name) => ({ path: `tests/e2e/${name}_test.ts`, reason: "no engine: no mirror" })),
  });
});
