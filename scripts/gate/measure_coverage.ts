/** Measures how much of `lib/` the tests cover. */

import { projectRoot, urlOf } from "../paths.ts";
import { findCoverage } from "../test/coverage_data.ts";
import { findTests } from "../test/find.ts";
import { selectFiles } from "../test/selection.ts";
import { coverageFloors, lineCoverage } from "./coverage.ts";
import { type Outcome, runDeno } from "./outcome.ts";

/**
 * Fails when the covered lines of `lib/` are below the floor. What the last run of all tests has noted is used when the
 * sources are still the same; otherwise the unit tests are run, and fail the check, too.
 */
export async function checkCoverage(): Promise<Outcome> {
  const noted = await findCoverage();
  if (noted !== undefined) return await judge(noted, "all");
  const folder = await Deno.makeTempDir({ prefix: "reagent-coverage-" });
  try {
    const tests = await runUnitTests(folder);
    if (!tests.passed) return { passed: false, text: `The unit tests failed:\n${tests.text.slice(-4000)}` };
    return await judge(folder, "unit");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runUnitTests(folder: string): Promise<Outcome> {
  const none = { filter: { substrings: [] }, missing: new Map(), lastMs: {} };
  const { unit } = selectFiles(await findTests(projectRoot), none);
  const settings = ["--no-prompt", "-P", "--parallel", "--quiet", "--no-check"];
  return await runDeno(["test", ...settings, `--coverage=${folder}`, "--coverage-raw-data-only", ...unit]);
}

async function judge(folder: string, tests: keyof typeof coverageFloors): Promise<Outcome> {
  const lcov = await Deno.makeTempFile({ suffix: ".info" });
  try {
    const only = `--include=^${RegExp.escape(urlOf("lib/"))}`;
    const report = await runDeno(["coverage", "--quiet", "--lcov", only, `--output=${lcov}`, folder]);
    if (!report.passed) return report;
    const percent = lineCoverage(await Deno.readTextFile(lcov));
    const what = tests === "all" ? "the last run of all tests" : "unit tests";
    const floor = coverageFloors[tests];
    return {
      passed: percent >= floor,
      text: `       ${percent.toFixed(1)} % of the lines of lib/ are covered by ${what}, the floor is ${floor} %`,
    };
  } finally {
    await Deno.remove(lcov);
  }
}
