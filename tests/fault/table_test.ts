import assert from "node:assert/strict";
import type { BuildGoal } from "../../lib/apps/plan/steps.ts";
import { type Fault, faultRows, faults, sampleRows, scenarios } from "./table.ts";

/** Reads the kinds of steps from the source, so that a new kind counts as soon as it is written. */
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

/** Those of `kinds_table.ts`. */
const buildGoals: ReadonlySet<string> = new Set<BuildGoal>(["build", "recoverBuild", "publish"]);

Deno.test("every kind of step has a row with every fault", () => {
  const kinds = kindsOfSteps();
  assert.ok(kinds.includes("createContainer") && kinds.includes("deleteData"));
  for (const fault of Object.keys(faults)) {
    const ofFault = faultRows.filter((row) => row.fault === fault);
    assert.deepEqual([...new Set<string>(ofFault.map((row) => row.kind))].sort(), kinds, fault);
  }
});

Deno.test("every goal has a scenario", () => {
  const goals = scenarios.flatMap((scenario) => scenario.goals.map(({ goal }) => goal));
  assert.deepEqual([...new Set<string>(goals)].sort(), goalsOfPlan().filter((goal) => !buildGoals.has(goal)));
});

Deno.test("no two rows have the same name", () => {
  assert.equal(new Set(faultRows.map((row) => row.name)).size, faultRows.length);
});

Deno.test("the sample has every kind of step, every fault and every scenario, and is always the same", () => {
  const sample = sampleRows();
  assert.deepEqual(new Set(sample.map((row) => row.kind)), new Set(faultRows.map((row) => row.kind)));
  assert.deepEqual(new Set<Fault>(sample.map((row) => row.fault)), new Set(faultRows.map((row) => row.fault)));
  assert.deepEqual(
    new Set(sample.map((row) => row.scenario.name)),
    new Set(scenarios.map((scenario) => scenario.name)),
  );
  assert.deepEqual(sample.map((row) => row.name), sampleRows().map((row) => row.name));
  assert.ok(sample.length < 60, `${sample.length} rows take too long for every run`);
});
