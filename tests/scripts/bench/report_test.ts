import assert from "node:assert/strict";
import { readReport, type RecordedResult, reportText } from "../../../scripts/bench/report.ts";

const result: RecordedResult = {
  id: "stop.ms",
  program: "bundle",
  router: "embedded",
  value: 20,
  least: 10,
  most: 30,
  at: "2026-11-27T10:00:00.000Z",
  machine: "linux/x86_64, 2 processors",
};

Deno.test("readReport() reads what reportText() wrote", () => {
  const results = [result, { ...result, id: "update.large", yardstick: 12.5 } as const];
  assert.deepEqual(readReport(reportText(results)), results);
});

Deno.test("readReport() leaves out unreadable results", () => {
  const members: Record<string, unknown> = { ...result };
  for (const name of Object.keys(members)) {
    const { [name]: _, ...rest } = members;
    assert.deepEqual(readReport(JSON.stringify({ figures: [rest, result] })), [result], name);
  }
  const foreign = [{ ...result, id: "gone.row" }, { ...result, id: "toString" }, { ...result, value: "20" }, null, 7];
  assert.deepEqual(readReport(JSON.stringify({ figures: foreign })), []);
  for (const text of ["", "{", "[]", "null", '{"figures":{}}']) assert.deepEqual(readReport(text), [], text);
});
