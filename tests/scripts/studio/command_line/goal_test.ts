import assert from "node:assert/strict";
import { type Goal, judge, type PublicReport, readReport } from "../../../../scripts/studio/command_line/goal.ts";

/** `RUNNING`, `RUNNING 8`, `RUNNING 8 completed`: state, release, update status. */
function reports(texts: readonly string[]): PublicReport[] {
  return texts.map((text) => {
    const [state, releaseKey = "7", updateStatus = ""] = text.split(" ");
    const report = readReport({
      ...{ at: "2026-01-01T10:00:00Z", serial: "SN-1", appKey: 42, appName: "shop", stage: "PROD" },
      ...{ state, releaseKey: Number(releaseKey), updateStatus },
    });
    assert.ok(report);
    return report;
  });
}

Deno.test("judge() decides when the device has done what was requested", () => {
  const run: Goal = { appKey: 42, stage: "PROD", target: "RUNNING", updateTo: undefined };
  const update: Goal = { ...run, updateTo: 8 };
  const table: [goal: Goal, reports: string[], expected: string][] = [
    [run, [], "inProgress"],
    [run, ["DOWNLOADING", "PRESENT", "STARTING"], "inProgress"],
    [run, ["DOWNLOADING", "RUNNING"], "reached"],
    [run, ["STARTING", "FAILED"], "failed"],
    [update, ["RUNNING"], "inProgress"],
    [update, ["UPDATING"], "inProgress"],
    [update, ["UPDATING", "PRESENT 8 pending_remote_confirmation"], "inProgress"],
    [update, ["UPDATING", "PRESENT 8 pending_remote_confirmation", "STARTING 8", "RUNNING 8 completed"], "reached"],
    [update, ["UPDATING", "RUNNING 7"], "failed"],
    [update, ["UPDATING", "RUNNING 7 canceled"], "failed"],
    [{ ...run, target: "BUILT" }, ["BUILT"], "reached"],
    [{ ...run, target: "BUILT" }, ["BUILDING", "BUILT", "PRESENT"], "reached"],
    [{ ...run, target: "BUILT" }, ["PRESENT"], "inProgress"],
    [{ ...update, target: "PRESENT" }, ["UPDATING", "PRESENT 8"], "reached"],
  ];
  for (const [goal, texts, expected] of table) assert.equal(judge(goal, reports(texts)).kind, expected, texts.join());
});

Deno.test("readReport() refuses invalid reports", () => {
  for (
    const value of [undefined, null, "RUNNING", {}, { at: "", serial: "", appName: "", state: "", updateStatus: "" }]
  ) {
    assert.equal(readReport(value), undefined);
  }
});
