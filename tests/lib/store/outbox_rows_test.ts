import assert from "node:assert/strict";
import {
  addReport,
  countReports,
  deleteReport,
  hasReport,
  outboxLimit,
  readReports,
} from "../../../lib/store/outbox_rows.ts";
import { Folder, warningsLog } from "./samples.ts";

const now = new Date("2031-03-05T07:00:00Z");

Deno.test("readReports() returns what addReport() stored, oldest first, even after a restart", () => {
  using folder = new Folder();
  {
    using database = folder.open();
    assert.equal(addReport(database, { state: "RUNNING", deep: { a: [1, null] } }, { now }), 0);
    assert.equal(addReport(database, { state: "FAILED" }, { now }), 0);
  }
  using database = folder.open();
  const reports = readReports(database);
  assert.deepEqual(reports.map(({ report }) => report), [{ state: "RUNNING", deep: { a: [1, null] } }, {
    state: "FAILED",
  }]);
  assert.equal(new Date(reports[0]?.happened ?? "").getTime(), now.getTime());
  assert.equal(countReports(database), 2);
});

Deno.test("deleteReport() removes one report, and a missing one is fine", () => {
  using folder = new Folder();
  using database = folder.open();
  for (const state of ["a", "b", "c"]) addReport(database, { state }, { now });
  const second = readReports(database)[1]?.rowId ?? 0;
  assert.equal(hasReport(database, second), true);
  deleteReport(database, second);
  assert.equal(hasReport(database, second), false);
  deleteReport(database, second);
  assert.deepEqual(readReports(database).map(({ report }) => report.state), ["a", "c"]);
});

Deno.test("addReport() drops the oldest above the limit and returns how many", () => {
  using folder = new Folder();
  using database = folder.open();
  const dropped: number[] = [];
  database.transaction(() => {
    for (let index = 0; index < outboxLimit + 3; index += 1) dropped.push(addReport(database, { index }, { now }));
  });
  assert.deepEqual(dropped.slice(-4), [0, 1, 1, 1]);
  assert.equal(countReports(database), outboxLimit);
  assert.equal(readReports(database)[0]?.report.index, 3);
  assert.equal(readReports(database).at(-1)?.report.index, outboxLimit + 2);
});

Deno.test("readReports() skips a row that cannot be read, and logs it", () => {
  using folder = new Folder();
  const log = warningsLog();
  using database = folder.open(log);
  addReport(database, { state: "a" }, { now });
  database.run("INSERT INTO ReagentOutbox (happened, report) VALUES ('', '{broken'), ('', '[1]')");
  addReport(database, { state: "b" }, { now });
  assert.deepEqual(readReports(database).map(({ report }) => report.state), ["a", "b"]);
  assert.equal(log.warnings.length, 2);
});
