/**
 * `deno task test [--unit | --box] [--nightly] [part of a path …]`: installs what is missing, runs the unit tests as
 * soon as the packages are there, then each file that needs real parts in a box of its own, three at a time. The last
 * line is `N passed, N failed`, with `, N skipped` when tests were skipped. `--nightly` runs the whole fault table,
 * dealt out to four boxes at once, instead of a sample. With CI set, a file that cannot run counts as failed. A run of
 * all tests notes which lines they cover, for `deno task ok`, which also checks the types.
 */

import { projectRoot } from "./paths.ts";
import { sweepBoxes } from "./testbed/box.ts";
import {
  allParts,
  installParts,
  type MissingParts,
  type PartName,
  regularParts,
} from "./testbed/setup/install_parts.ts";
import { readTestArguments } from "./test/arguments.ts";
import { beginCoverage, keepCoverage } from "./test/coverage_data.ts";
import { findTests } from "./test/find.ts";
import type { TestOutcome } from "./test/junit.ts";
import { selectFiles } from "./test/selection.ts";
import { renderSummary } from "./test/summary.ts";
import { planBoxRuns, TestRuns } from "./test/test_runs.ts";
import { readTimes, saveTimes } from "./test/times.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const wanted = readTestArguments(args);
  if (wanted === undefined) {
    print("Usage: deno task test [--unit | --box] [--nightly] [part of a path …]");
    return 2;
  }
  const startedMs = performance.now();
  const { parts } = await installPackagesFirst(wanted.isNightly ? allParts : regularParts);
  const times = await readTimes();
  const files = await findTests(projectRoot);
  const select = (missing: MissingParts) => selectFiles(files, { filter: wanted, missing, lastMs: times });
  const { unit, box: boxes } = select(new Map());
  if (unit.length + boxes.length === 0) {
    print(`No test file matches ${wanted.substrings.join(", ")}`);
    return 2;
  }
  const outcomes: TestOutcome[] = [];
  const folder = await Deno.makeTempDir({ prefix: "reagent-test-" });
  const isWhole = wanted.substrings.length === 0 && wanted.only === undefined && !wanted.isNightly;
  const coverage = isWhole ? await beginCoverage() : undefined;
  try {
    const runs = new TestRuns({ folder, isNightly: wanted.isNightly, coverage: coverage?.folder, say: print });
    endOnSignals(runs);
    if (unit.length > 0) outcomes.push(...await runs.runUnit(unit));
    const { box, skipped } = select(await parts);
    outcomes.push(...outcomesOf(skipped));
    await sweepBoxes();
    outcomes.push(...await runBoxes(runs, { files: box, times, isNightly: wanted.isNightly }));
    await saveTimes(times);
    if (coverage !== undefined) await keepCoverage(coverage);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  print(renderSummary(outcomes, performance.now() - startedMs));
  return outcomes.some(({ kind }) => kind === "failed") ? 1 : 0;
}

/** Waits for what unit tests need; `parts` goes on installing the rest. */
async function installPackagesFirst(wanted: readonly PartName[]): Promise<{ parts: Promise<MissingParts> }> {
  const packages = Promise.withResolvers<void>();
  const parts = installParts((text) => print(`setup: ${text}`), { wanted, onPackages: packages.resolve });
  parts.catch(packages.reject);
  await packages.promise;
  return { parts };
}

/** A file whose parts are missing has failed in CI. */
function outcomesOf(skipped: readonly { path: string; reason: string }[]): TestOutcome[] {
  const kind = Deno.env.get("CI") ? "failed" : "skipped";
  return skipped.map(({ path, reason }) => ({ file: path, name: "could not run", kind, text: reason }));
}

function endOnSignals(runs: TestRuns): void {
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => void runs.kill().finally(() => Deno.exit(code)));
  }
}

/** Runs each file in a box and notes how long it took. */
async function runBoxes(
  runs: TestRuns,
  { files, times, isNightly }: { files: readonly string[]; times: Record<string, number>; isNightly: boolean },
): Promise<TestOutcome[]> {
  const outcomes: TestOutcome[] = [];
  const { runs: queue, atOnce } = planBoxRuns(files, isNightly);
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const startedMs = performance.now();
      outcomes.push(...await runs.runInBox(next));
      if (!isNightly) times[next.file] = Math.round(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return outcomes;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
