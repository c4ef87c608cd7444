import assert from "node:assert/strict";
import { type Fault, faults, rows, sampleRows, stories } from "./table.ts";

/** Everything between `kind: "` and `"` in the union of steps, so that a new kind counts from the day it is written. */
function kindsOfSteps(): string[] {
  const text = Deno.readTextFileSync(new URL("../../lib/apps/plan/steps.ts", import.meta.url));
  const union = /export type Step =([\s\S]*?);\n\n/.exec(text)?.[1] ?? "";
  return [...union.matchAll(/kind: "(\w+)"/g)].map(([, kind = ""]) => kind).sort();
}

function goalsOfPlan(): string[] {
  const text = Deno.readTextFileSync(new URL("../../lib/apps/plan/steps.ts", import.meta.url));
  const union = /export type Goal =([\s\S]*?);\n\n/.exec(text)?.[1] ?? "";
  return [...union.matchAll(/"(\w+)"/g)].map(([, goal = ""]) => goal).sort();
}

Deno.test("every kind of step in the code has a row with every fault", () => {
  const kinds = kindsOfSteps();
  assert.ok(kinds.includes("createContainer") && kinds.includes("deleteData"));
  for (const fault of Object.keys(faults)) {
    const ofFault = rows.filter((row) => row.fault === fault);
    assert.deepEqual([...new Set<string>(ofFault.map((row) => row.kind))].sort(), kinds, fault);
  }
});

Deno.test("every goal of the code has a story", () => {
  const goals = stories.flatMap((story) => story.goals.map(({ goal }) => goal));
  assert.deepEqual([...new Set<string>(goals)].sort(), goalsOfPlan());
});

Deno.test("no two rows are the same", () => {
  assert.equal(new Set(rows.map((row) => row.name)).size, rows.length);
});

Deno.test("the sample has every kind of step, every fault and every story, and is the same each time", () => {
  const sample = sampleRows();
  assert.deepEqual(new Set(sample.map((row) => row.kind)), new Set(rows.map((row) => row.kind)));
  assert.deepEqual(new Set<Fault>(sample.map((row) => row.fault)), new Set(rows.map((row) => row.fault)));
  assert.deepEqual(new Set(sample.map((row) => row.story.name)), new Set(stories.map((story) => story.name)));
  assert.deepEqual(sample.map((row) => row.name), sampleRows().map((row) => row.name));
  assert.ok(sample.length < 60, `${sample.length} rows take too long for every run`);
});
