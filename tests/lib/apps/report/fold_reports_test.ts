import assert from "node:assert/strict";
import { decodeReports, foldReports } from "../../../../lib/apps/report/fold_reports.ts";
import type { AppReport } from "../../../../lib/backend/requests.ts";
import { fan, report, shopDev, updated } from "./outbox_fixture.ts";

const folds: { name: string; given: AppReport[]; kept: number[] }[] = [
  { name: "nothing", given: [], kept: [] },
  { name: "states in a row", given: [report("STARTING"), report("RUNNING"), report("STOPPING")], kept: [2] },
  { name: "the same state twice", given: [report("RUNNING"), report("RUNNING")], kept: [1] },
  { name: "a failure", given: [report("FAILED"), report("STARTING"), report("RUNNING")], kept: [0, 2] },
  { name: "failures in a row", given: [report("FAILED"), report("FAILED"), report("RUNNING")], kept: [0, 1, 2] },
  { name: "an update that went through", given: [report("UPDATING"), updated(), report("RUNNING")], kept: [1, 2] },
  {
    name: "updates that were confirmed or canceled",
    given: [
      report("STARTING", { updateStatus: "completed" }),
      report("STARTING", { updateStatus: "canceled" }),
      report("RUNNING"),
    ],
    kept: [2],
  },
  {
    name: "several apps and stages",
    given: [report("STARTING"), report("STARTING", { id: fan }), report("RUNNING", { id: shopDev }), report("RUNNING")],
    kept: [1, 2, 3],
  },
];

for (const { name, given, kept } of folds) {
  Deno.test(`foldReports() of ${name} keeps milestones and the last state of each app`, () => {
    const pending = given.map((each, rowId) => ({ rowId, report: each }));
    assert.deepEqual(foldReports(pending).map(({ rowId }) => rowId), kept);
  });
}

Deno.test("decodeReports() leaves out what an agent of another version has left", () => {
  const strange = [{}, { id: 7 }, { ...report("RUNNING"), state: "DANCING" }, { id: { appKey: -1, stage: "PROD" } }];
  const stored = [...strange, { ...report("RUNNING") }].map((each, rowId) => ({ rowId, happened: "", report: each }));
  assert.deepEqual(decodeReports(stored), [{ rowId: 4, report: report("RUNNING") }]);
});
