// box engine registry
import assert from "node:assert/strict";
import { FaultFixture, type ScenarioSnapshots } from "./fault_fixture.ts";
import { isInSample, isScenarioInSample, kindScenarios, rowsOfScenario } from "./kinds_table.ts";
import { readPart, rowsOfPart } from "./part.ts";
import { recipes } from "./releases.ts";
import type { BasicRow, BasicScenario } from "./table.ts";

Deno.test("compose and DEV apps reach their requested state whatever goes wrong at any step", async (t) => {
  await using fixture = await FaultFixture.start(recipes);
  const part = readPart(Deno.env.get("REAGENT_FAULTS_PART"));
  const seen = new Set<string>();
  for (const scenario of kindScenarios.filter(isNeeded)) {
    let known: ScenarioSnapshots | undefined;
    await t.step(`${scenario.name}, and nothing goes wrong`, async () => {
      try {
        known = await fixture.run(scenario);
      } catch (error) {
        throw new Error(`${error}\n${await fixture.readLog()}`);
      }
      for (const { step } of known.steps) seen.add(step.split(" ")[0] ?? "");
    });
    if (known === undefined) continue;
    const snapshots = known;
    const rows = rowsOfScenario(scenario, snapshots.steps).filter(isChosen);
    for (const row of rowsOfPart(rows, part)) {
      await t.step(row.name, async () => {
        try {
          await fixture.runWithFault(row, snapshots);
        } catch (error) {
          throw new Error(`${error}\n${await fixture.readLog()}`);
        }
      });
    }
  }
  if (!isWhole) return;
  await t.step("every step of projects and builds was among them", () => {
    assert.deepEqual(kindsOfSteps().filter((kind) => !seen.has(kind)), []);
  });
});

/** All rows, those with this text in their names, or a sample. */
const wanted = Deno.env.get("REAGENT_FAULTS") ?? "";
const isWhole = wanted === "all";

function isChosen(row: BasicRow): boolean {
  return wanted === "" ? isInSample(row) : isWhole || row.name.includes(wanted);
}

/** The text may name a scenario: then the others need not run. */
function isNeeded(scenario: BasicScenario): boolean {
  if (wanted === "") return isScenarioInSample(scenario);
  const [name = ""] = wanted.split(";");
  return kindScenarios.some((other) => other.name === name) ? scenario.name === name : true;
}

/** Reads the kinds of steps from the source, so that a new kind counts as soon as it is written. */
function kindsOfSteps(): string[] {
  const text = Deno.readTextFileSync(new URL("../../lib/apps/plan/steps.ts", import.meta.url));
  return ["ProjectStep", "BuildStep", "BuildNoteStep"].flatMap((name) => {
    const union = new RegExp(`export type ${name} =([\\s\\S]*?);\\n\\n`).exec(text)?.[1] ?? "";
    return [...union.matchAll(/kind: "(\w+)"/g)].map(([, kind = ""]) => kind);
  });
}
