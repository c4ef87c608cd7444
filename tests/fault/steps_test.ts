// box engine registry
import assert from "node:assert/strict";
import { FaultFixture, type ScenarioSnapshots } from "./fault_fixture.ts";
import { readPart, rowsOfPart } from "./part.ts";
import { recipes } from "./releases.ts";
import {
  type FaultRow,
  faultRows,
  type FullDiskRow,
  fullDiskRows,
  sampleRows,
  type Scenario,
  scenarios,
} from "./table.ts";

Deno.test("an app reaches its requested state whatever goes wrong at any step", async (t) => {
  await using fixture = await FaultFixture.start(recipes);
  const part = readPart(Deno.env.get("REAGENT_FAULTS_PART"));
  const chosen = rowsOfPart(chooseRows(), part);
  const onFullDisk = rowsOfPart(chooseFullDiskRows(), part);
  const snapshots = new Map<string, ScenarioSnapshots>();
  for (const scenario of scenarios.filter((each) => [...chosen, ...onFullDisk].some((row) => row.scenario === each))) {
    await t.step(`${scenario.name}, and nothing goes wrong`, async () => {
      const known = await fixture.run(scenario);
      const isGone = ["REMOVED", "UNINSTALLED"].includes(scenario.end);
      assert.ok(known.after.volumes.length <= (isGone ? 0 : 1), `volumes ${known.after.volumes}`);
      snapshots.set(scenario.name, known);
    });
  }
  const run = (row: { name: string; scenario: Scenario }, work: (known: ScenarioSnapshots) => Promise<void>) => {
    return t.step(row.name, async () => {
      const known = snapshots.get(row.scenario.name);
      if (known === undefined) throw new Error("The scenario fails even without a fault");
      try {
        await work(known);
      } catch (error) {
        throw new Error(`${error}\n${await fixture.readLog()}`);
      }
    });
  };
  for (const row of chosen) await run(row, (known) => fixture.runWithFault(row, known));
  for (const row of onFullDisk) await run(row, (known) => fixture.runOnFullDisk(row, known));
});

/** A sample, unless `REAGENT_FAULTS` is `all` or a part of the names of rows. */
function chooseRows(): readonly FaultRow[] {
  const wanted = Deno.env.get("REAGENT_FAULTS");
  if (!wanted) return sampleRows();
  return wanted === "all" ? faultRows : faultRows.filter((row) => row.name.includes(wanted));
}

/** By default a stop and a removal, the latter with a kill. */
function chooseFullDiskRows(): readonly FullDiskRow[] {
  const wanted = Deno.env.get("REAGENT_FAULTS");
  if (!wanted) {
    return fullDiskRows.filter(({ scenario: { name }, isKilled }) => {
      return isKilled ? name === "an app is removed" : name === "an app is stopped";
    });
  }
  return wanted === "all" ? fullDiskRows : fullDiskRows.filter((row) => row.name.includes(wanted));
}
