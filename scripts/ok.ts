/**
 * The gate: `deno task ok`. Format, lint, house rules, layers, types, generated docs, footprint, coverage floor. Prints
 * one line per check and ends with exit code 1 when any of them fails.
 */

import { findHouseFaults } from "./gate/house.ts";
import { findLayerFaults, type SourceFile } from "./gate/layers.ts";
import { coverageFloorPercent, lineCoverage } from "./gate/coverage.ts";
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
}

/** A check that takes longer is ended and has failed. */
const limitMs = 10 * 60_000;

const checks: Check[] = [
  { name: "format", run: () => deno(["fmt", "--check", "--quiet"]) },
  { name: "lint", run: () => deno(["lint", "--quiet"]) },
  {
    name: "house rules",
    run: async () => faults((await sources(["main.ts", "lib", "scripts"])).flatMap(findHouseFaults)),
  },
  { name: "layers", run: async () => faults(findLayerFaults(await sources(["main.ts", "lib"]))) },
  { name: "types", run: () => deno(["check", "--quiet", "main.ts", "lib", "scripts", "tests"]) },
  { name: "generated docs", run: () => deno(["run", "--no-prompt", "-P=tools", "scripts/docs.ts", "--check"]) },
  { name: "footprint", run: () => deno(["run", "--no-prompt", "-P=tools", "scripts/footprint.ts", "--check"]) },
  { name: "coverage floor", run: checkCoverage },
];

if (import.meta.main) {
  let failed = 0;
  for (const check of checks) {
    const startedMs = performance.now();
    const outcome = await check.run();
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    print(
      `${outcome.passed ? "ok    " : "FAILED"} ${check.name} (${seconds} s)${outcome.text ? `\n${outcome.text}` : ""}`,
    );
    if (!outcome.passed) failed += 1;
  }
  print(failed === 0 ? "The gate is open." : `${failed} of ${checks.length} checks failed.`);
  Deno.exit(failed === 0 ? 0 : 1);
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
    wish: { substrings: [] },
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
