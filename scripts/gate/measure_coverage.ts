/** Runs the unit tests and measures how much of `lib/` they cover. */

import { projectRoot, urlOf } from "../paths.ts";
import { findTests } from "../test/find.ts";
import { selectFiles } from "../test/selection.ts";
import { coverageFloorPercent, lineCoverage } from "./coverage.ts";
import { type Outcome, runDeno } from "./outcome.ts";

/** Fails when a unit test does, or when the covered lines of `lib/` are below the floor, which may only rise. */
export async function checkCoverage(): Promise<Outcome> {
  const none = { filter: { substrings: [] }, missing: new Map(), lastMs: {} };
  const { unit } = selectFiles(await findTests(projectRoot), none);
  const folder = await Deno.makeTempDir({ prefix: "reagent-coverage-" });
  try {
    const settings = ["--no-prompt", "-P", "--parallel", "--quiet", "--no-check"];
    const tests = await runDeno(["test", ...settings, `--coverage=${folder}`, ...unit]);
    if (!tests.passed) return { passed: false, text: `The unit tests failed:\n${tests.text.slice(-4000)}` };
    const lcov = `${folder}/lcov.info`;
    const only = `--include=^${RegExp.escape(urlOf("lib/"))}`;
    const report = await runDeno(["coverage", "--quiet", "--lcov", only, `--output=${lcov}`, folder]);
    if (!report.passed) return report;
    const percent = lineCoverage(await Deno.readTextFile(lcov));
    const covered = `${percent.toFixed(1)} % of the lines of lib/ are covered by unit tests`;
    return {
      passed: percent >= coverageFloorPercent,
      text: `       ${covered}, the floor is ${coverageFloorPercent} %`,
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
