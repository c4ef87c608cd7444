// box engine registry
/**
 * The agent is killed at random moments of everything that compose apps and DEV apps do, once and twice. The table of
 * kinds kills it before and after each step, this one in the middle of them. For nightly runs.
 */

import { FaultFixture } from "./fault_fixture.ts";
import { kindScenarios } from "./kinds_table.ts";
import { recipes } from "./releases.ts";

const killsOfScenario = 4;

/** A start takes about as long. */
const secondKillMs = 600;

const isNightly = Deno.env.get("REAGENT_FAULTS") === "all";

Deno.test({ name: "an agent that is killed at any moment goes on where it was", ignore: !isNightly }, async (t) => {
  await using fixture = await FaultFixture.start(recipes);
  for (const scenario of kindScenarios) {
    const startedMs = performance.now();
    const snapshots = await fixture.run(scenario);
    // With what precedes the request, so that some kills come when all is done.
    const tookMs = performance.now() - startedMs;
    for (let count = 0; count < killsOfScenario; count += 1) {
      const afterMs = [Math.random() * tookMs / 2, ...(count % 2 === 0 ? [] : [Math.random() * secondKillMs])];
      const shown = afterMs.map((ms) => `${Math.round(ms)} ms`).join(" and ");
      await t.step(`${scenario.name}; the agent is killed after ${shown}`, async () => {
        try {
          await fixture.runWithKills(scenario, { snapshots, afterMs });
        } catch (error) {
          throw new Error(`${error}\n${await fixture.readLog()}`);
        }
      });
    }
  }
});
