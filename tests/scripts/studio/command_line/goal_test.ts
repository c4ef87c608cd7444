import assert from "node:assert/strict";
import { type Goal, judge, readReport, type SeenReport } from "../../../../scripts/studio/command_line/goal.ts";

/** `RUNNING`, `RUNNING 8`, `RUNNING 8 completed`: state, release, update status. */
function reports(texts: readonly string[]): SeenReport[] {
  return texts.map((text) => {
    const [state, releaseKey = "7", updateStatus = ""] = text.split(" ");
    const report = readReport({
      ...{ at: "2026-01-01T10:00:00Z", serial: "SN-1", appKey: 42, appName: "shop" },
      ...{ state, releaseKey: Number(releaseKey), updateStatus },
    });
    assert.ok(report);
    return report;
  });
}

Deno.test("judge() tells when the device has done what it was asked", () => {
  const run: Goal = { appKey: 42, target: "RUNNING", updateTo: undefined };
  const update: Goal = { ...run, updateTo: 8 };
  const table: [goal: Goal, reports: string[], expected: string][] = [
    [run, [], "goingOn"],
    [run, ["DOWNLOADING", "PRESENT", "STARTING"], "goingOn"],
    [run, ["DOWNLOADING", "RUNNING"], "reached"],
    [run, ["STARTING", "FAILED"], "failed"],
    [update, ["RUNNING"], "goingOn"],
    [update, ["UPDATING"], "goingOn"],
    [update, ["UPDATING", "PRESENT 8 pending_remote_confirmation"], "goingOn"],
    [update, ["UPDATING", "PRESENT 8 pending_remote_confirmation", "STARTING 8", "RUNNING 8 completed"], "reached"],
    [update, ["UPDATING", "RUNNING 7"], "failed"],
    [update, ["UPDATING", "RUNNING 7 canceled"], "failed"],
    [{ ...update, target: "PRESENT" }, ["UPDATING", "PRESENT 8"], "reached"],
  ];
  for (const [goal, texts, expected] of table) assert.equal(judge(goal, reports(texts)).kind, expected, texts.join());
});

Deno.test("readReport() takes nothing for a report that is none", () => {
  for (
    const value of [undefined, null, "RUNNING", {}, { at: "", serial: "", appName: "", state: "", updateStatus: "" }]
  ) {
    assert.equal(readReport(value), undefined);
  }
});
