import assert from "node:assert/strict";
import { type NotedFigure, readReport, reportText } from "../../../scripts/bench/report.ts";

const figure: NotedFigure = {
  id: "stop.ms",
  program: "bundle",
  router: "embedded",
  value: 20,
  least: 10,
  most: 30,
  at: "2026-11-27T10:00:00.000Z",
  machine: "linux/x86_64, 2 processors",
};

Deno.test("readReport() gives back what reportText() wrote", () => {
  const figures = [figure, { ...figure, id: "update.large", yardstick: 12.5 } as const];
  assert.deepEqual(readReport(reportText(figures)), figures);
});

Deno.test("readReport() leaves out what it cannot read", () => {
  const members: Record<string, unknown> = { ...figure };
  for (const name of Object.keys(members)) {
    const { [name]: _, ...rest } = members;
    assert.deepEqual(readReport(JSON.stringify({ figures: [rest, figure] })), [figure], name);
  }
  const foreign = [{ ...figure, id: "gone.row" }, { ...figure, id: "toString" }, { ...figure, value: "20" }, null, 7];
  assert.deepEqual(readReport(JSON.stringify({ figures: foreign })), []);
  for (const text of ["", "{", "[]", "null", '{"figures":{}}']) assert.deepEqual(readReport(text), [], text);
});
