import assert from "node:assert/strict";
import { decodeReports, foldReports } from "../../../../lib/apps/report/fold_reports.ts";
import type { AppReport } from "../../../../lib/backend/requests.ts";
import { fan, report, shopDev, updated } from "./outbox_fixture.ts";

const folds: { name: string; reports: AppReport[]; sent: number[] }[] = [
  { name: "nothing", reports: [], sent: [] },
  { name: "states in a row", reports: [report("STARTING"), report("RUNNING"), report("STOPPING")], sent: [2] },
  { name: "the same state twice", reports: [report("RUNNING"), report("RUNNING")], sent: [1] },
  { name: "a failure", reports: [report("FAILED"), report("STARTING"), report("RUNNING")], sent: [0, 2] },
  { name: "failures in a row", reports: [report("FAILED"), report("FAILED"), report("RUNNING")], sent: [0, 1, 2] },
  { name: "an update that went through", reports: [report("UPDATING"), updated(), report("RUNNING")], sent: [1, 2] },
  {
    name: "updates that were confirmed or canceled",
    reports: [
      report("STARTING", { updateStatus: "completed" }),
      report("STARTING", { updateStatus: "canceled" }),
      report("RUNNING"),
    ],
    sent: [2],
  },
  {
    name: "several apps and stages",
    reports: [
      report("STARTING"),
      report("STARTING", { id: fan }),
      report("RUNNING", { id: shopDev }),
      report("RUNNING"),
    ],
    sent: [1, 2, 3],
  },
];

for (const { name, reports, sent } of folds) {
  Deno.test(`foldReports() of ${name} keeps milestones and the last state of each app`, () => {
    const pending = reports.map((each, rowId) => ({ rowId, report: each }));
    assert.deepEqual(foldReports(pending).map(({ rowId }) => rowId), sent);
  });
}

Deno.test("decodeReports() leaves out what an agent of another version has left", () => {
  const strange = [{}, { id: 7 }, { ...report("RUNNING"), state: "DANCING" }, { id: { appKey: -1, stage: "PROD" } }];
  const stored = [...strange, { ...report("RUNNING") }].map((each, rowId) => ({ rowId, happened: "", report: each }));
  assert.deepEqual(decodeReports(stored), [{ rowId: 4, report: report("RUNNING") }]);
});
