import assert from "node:assert/strict";
import { neededParts, selectFiles } from "../../../scripts/test/selection.ts";

Deno.test("neededParts() reads the first line; files in tests/e2e need all parts", () => {
  const table = [
    ["tests/lib/apps/plan/container_plan_test.ts", "import x", undefined],
    ["tests/e2e/boot_test.ts", "import x", ["box", "engine", "registry", "crossbar"]],
    ["tests/e2e/boot_test.ts", "// box crossbar", ["box", "crossbar"]],
    ["tests/lib/docker/engine_test.ts", "// box engine, registry", ["box", "engine", "registry"]],
    ["tests/lib/docker/engine_test.ts", "// box", ["box", "engine", "registry", "crossbar"]],
    ["tests/lib/network/wifi_radio_test.ts", "// box radios", ["box", "radios"]],
    ["tests/lib/docker/engine_test.ts", "// boxes are nice", undefined],
  ] as const;
  for (const [path, firstLine, parts] of table) assert.deepEqual(neededParts({ path, firstLine }), parts, firstLine);
  assert.throws(
    () => neededParts({ path: "tests/a_test.ts", firstLine: "// box egnine" }),
    /there is no part "egnine"/,
  );
});

Deno.test("selectFiles() filters by path and kind, orders boxes by duration, and skips files whose parts are missing", () => {
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
  assert.deepEqual(selectFiles(files, { filter: { substrings: [] }, missing, lastMs }), {
    unit: ["tests/a_test.ts", "tests/b_test.ts"],
    box: ["tests/e2e/z_test.ts", "tests/e2e/y_test.ts", "tests/wamp/real_test.ts", "tests/e2e/x_test.ts"],
    skipped: [],
  });
  assert.deepEqual(selectFiles(files, { filter: { substrings: ["a_t", "e2e/x"] }, missing, lastMs }), {
    unit: ["tests/a_test.ts"],
    box: ["tests/e2e/x_test.ts"],
    skipped: [],
  });
  assert.deepEqual(selectFiles(files, { filter: { substrings: [], only: "unit" }, missing, lastMs }).box, []);
  const noEngine = new Map([["engine", "no mirror"]] as const);
  assert.deepEqual(selectFiles(files, { filter: { substrings: [], only: "box" }, missing: noEngine, lastMs }), {
    unit: [],
    box: ["tests/wamp/real_test.ts"],
    skipped: ["x", "y", "z"].map((name) => ({ path: `tests/e2e/${name}_test.ts`, reason: "no engine: no mirror" })),
  });
});
