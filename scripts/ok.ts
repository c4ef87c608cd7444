/**
 * `deno task ok [--only <part of a check's name>]`: the gate. Prints one line per check and ends with exit code 1 when
 * any of them fails.
 */

import { coverageFloorPercent, lineCoverage } from "./gate/coverage.ts";
import { findCycles } from "./gate/cycles.ts";
import { findEntryFaults } from "./gate/entries.ts";
import { findHouseFaults } from "./gate/house.ts";
import type { SourceFile } from "./gate/imports.ts";
import { findLayerFaults } from "./gate/layers.ts";
import { findSharedNames } from "./gate/top_level_names.ts";
import { findTests } from "./test/find.ts";
import { selectFiles } from "./test/selection.ts";
import { projectRoot, urlOf } from "./paths.ts";

interface Outcome {
  passed: boolean;
  text: string;
}

interface Check {
  name: string;
  run(): Promise<Outcome>;
  /** What it finds is printed and does not fail the gate. */
  isReportOnly?: boolean;
}

/** A check that takes longer is ended and has failed. */
const limitMs = 10 * 60_000;

const program = ["main.ts", "lib"];
const lintRules = ["function-length", "positional-arguments", "comment-width"];

const checks: Check[] = [
  { name: "format", run: () => deno(["fmt", "--check", "--quiet"]) },
  { name: "lint", run: () => deno(["lint", "--quiet"]) },
  { name: "house rules", run: async () => faults((await sources([...program, "scripts"])).flatMap(findHouseFaults)) },
  { name: "layers", run: async () => faults(findLayerFaults(await sources(program))) },
  ...lintRules.map((rule) => ({ name: rule.replace("-", " "), run: () => lintRule(rule), isReportOnly: true })),
  {
    name: "house rules on tests",
    run: async () => faults((await sources(["tests"])).flatMap(findHouseFaults)),
    isReportOnly: true,
  },
  { name: "shared names", run: async () => faults(findSharedNames(await sources(program))), isReportOnly: true },
  { name: "area entries", run: async () => faults(findEntryFaults(await sources(program))), isReportOnly: true },
  {
    name: "cyclic imports",
    run: async () => faults(findCycles(await sources([...program, "scripts", "tests"]))),
    isReportOnly: true,
  },
  { name: "types", run: () => deno(["check", "--quiet", "main.ts", "lib", "scripts", "tests"]) },
  { name: "generated docs", run: () => deno(["run", "--no-prompt", "-P=tools", "scripts/docs.ts", "--check"]) },
  { name: "footprint", run: () => deno(["run", "--no-prompt", "-P=tools", "scripts/footprint.ts", "--check"]) },
  { name: "coverage floor", run: checkCoverage },
];

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main([option, wanted = "", ...rest]: readonly string[]): Promise<number> {
  const chosen = checks.filter(({ name }) => name.includes(wanted));
  if ((option !== undefined && option !== "--only") || rest.length > 0 || chosen.length === 0) {
    print(`Usage: deno task ok [--only <part of a name>]; the checks: ${checks.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  let failed = 0;
  for (const check of chosen) {
    const startedMs = performance.now();
    const { passed, text } = await check.run();
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    const verdict = passed ? "ok    " : check.isReportOnly ? "noted " : "FAILED";
    print(`${verdict} ${check.name} (${seconds} s)${text ? `\n${text}` : ""}`);
    if (!passed && !check.isReportOnly) failed += 1;
  }
  print(failed === 0 ? "The gate is open." : `${failed} of ${chosen.length} checks failed.`);
  return failed === 0 ? 0 : 1;
}

/** Runs one rule of `gate/lint_rules.ts`; deno.json leaves them out of the lint. */
async function lintRule(rule: string): Promise<Outcome> {
  const others = lintRules.filter((other) => other !== rule).map((other) => `--rules-exclude=house/${other}`);
  const { passed, text } = await deno(["lint", "--quiet", "--compact", "--rules-tags=", ...others]);
  return { passed, text: text.replaceAll(urlOf(""), "") };
}

async function deno(args: string[]): Promise<Outcome> {
  const signal = AbortSignal.timeout(limitMs);
  const output = await new Deno.Command(Deno.execPath(), { args, cwd: projectRoot, env: { NO_COLOR: "1" }, signal })
    .output();
  const text = new TextDecoder().decode(output.stdout) + new TextDecoder().decode(output.stderr);
  const limitText = signal.aborted ? `\nIt took longer than ${limitMs / 1000} s and was ended` : "";
  return { passed: output.success, text: output.success ? "" : `${text.trim()}${limitText}` };
}

function faults(found: string[]): Outcome {
  return { passed: found.length === 0, text: found.join("\n") };
}

/** Reads the TypeScript files below the given paths, sorted, with paths from the project's folder. */
async function sources(paths: string[]): Promise<SourceFile[]> {
  const found: SourceFile[] = [];
  for (const path of paths) {
    const full = `${projectRoot}${path}`;
    if (path.endsWith(".ts")) {
      found.push({ path, text: await Deno.readTextFile(full) });
      continue;
    }
    for await (const entry of Deno.readDir(full)) {
      const inner = `${path}/${entry.name}`;
      if (entry.isDirectory || entry.name.endsWith(".ts")) found.push(...await sources([inner]));
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Runs the unit tests with coverage and compares the lines covered in `lib/` with the floor, which may only rise. */
async function checkCoverage(): Promise<Outcome> {
  const { unit } = selectFiles(await findTests(projectRoot), {
    filter: { substrings: [] },
    missing: new Map(),
    lastMs: {},
  });
  const folder = await Deno.makeTempDir({ prefix: "reagent-coverage-" });
  try {
    const run = await deno([
      "test",
      "--no-prompt",
      "-P",
      "--parallel",
      "--quiet",
      "--no-check",
      `--coverage=${folder}`,
      ...unit,
    ]);
    if (!run.passed) return { passed: false, text: `The unit tests failed:\n${run.text.slice(-4000)}` };
    const lcov = `${folder}/lcov.info`;
    const made = await deno([
      "coverage",
      "--quiet",
      "--lcov",
      `--include=^${RegExp.escape(urlOf("lib/"))}`,
      `--output=${lcov}`,
      folder,
    ]);
    if (!made.passed) return made;
    const percent = lineCoverage(await Deno.readTextFile(lcov));
    const text = `       ${
      percent.toFixed(1)
    } % of the lines of lib/ are covered by unit tests, the floor is ${coverageFloorPercent} %`;
    return { passed: percent >= coverageFloorPercent, text };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
