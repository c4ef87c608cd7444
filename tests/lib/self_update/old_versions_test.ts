import assert from "node:assert/strict";
import { removableVersions } from "../../../lib/self_update/old_versions.ts";

Deno.test("removableVersions() keeps the running, the previous and the newest version, and whatever is none", () => {
  const names = [
    ...[
      "reagent",
      "reagent.db",
      "reagent-v1.0.0",
      "reagent-v1.1.0",
      "reagent-v1.2.0",
      "reagent-v1.3.0",
      "reagent-v1.4.0",
    ],
    ...["reagent-vlatest", "reagent-v", "downloads", "reagent-v1.1.0.bak/x"],
  ];
  const cases: [running: string, newest: string, inUse: string[], expected: string[]][] = [
    ["1.2.0", "1.4.0", [], ["reagent-v1.0.0", "reagent-v1.3.0"]],
    ["1.2.0", "1.4.0", ["reagent-v1.0.0"], ["reagent-v1.3.0"]],
    ["1.0.0", "1.1.0", [], ["reagent-v1.2.0", "reagent-v1.3.0", "reagent-v1.4.0"]],
    ["1.4.0", "1.5.0", [], ["reagent-v1.0.0", "reagent-v1.1.0", "reagent-v1.2.0"]],
  ];
  for (const [running, newest, inUse, expected] of cases) {
    assert.deepEqual(removableVersions(names, { running, newest, inUse: new Set(inUse) }), expected, running);
  }
  const windows = ["reagent-v1.0.0.exe", "reagent-v1.1.0.exe", "reagent-v1.2.0.exe"];
  const left = removableVersions(windows, { running: "1.2.0", newest: "1.3.0", inUse: new Set() });
  assert.deepEqual(left, ["reagent-v1.0.0.exe"]);
});
