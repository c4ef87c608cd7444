/**
 * `deno task ok [--only <part of a check's name>]`: the gate. Prints a line for each check as it ends, and ends with 1
 * when one has failed.
 */

import { tunnelClientVersion } from "../lib/version.ts";
import { findVersionViolations } from "./gate/client_version.ts";
import { findCycles } from "./gate/cycles.ts";
import { findEntryViolations } from "./gate/entries.ts";
import { findHouseViolations } from "./gate/house.ts";
import type { SourceFile } from "./gate/imports.ts";
import { findLayerViolations } from "./gate/layers.ts";
import { checkCoverage } from "./gate/measure_coverage.ts";
import { type Outcome, runDeno } from "./gate/outcome.ts";
import { readSources } from "./gate/sources.ts";
import { findSharedNames } from "./gate/top_level_names.ts";
import { projectRoot } from "./paths.ts";

interface Check {
  name: string;
  run(): Promise<Outcome>;
}

const tools = ["run", "--no-prompt", "-P=tools"];

/** Takes long on one processor, so it runs next to the others. */
const types: Check = {
  name: "types",
  run: () => runDeno(["check", "--quiet", "main.ts", "lib", "scripts", "tests"]),
};

/** Run one after the other. */
const checks: Check[] = [
  { name: "format", run: () => runDeno(["fmt", "--check", "--quiet"]) },
  { name: "lint", run: () => runDeno(["lint", "--quiet"]) },
  textCheck("house rules", (files) => files.flatMap(findHouseViolations)),
  textCheck("layers", (files) => findLayerViolations(programOf(files))),
  textCheck("area entries", (files) => findEntryViolations(programOf(files))),
  textCheck("shared names", (files) => findSharedNames(programOf(files))),
  textCheck("cyclic imports", findCycles),
  { name: "tunnel client version", run: checkClientVersion },
  { name: "generated docs", run: () => runDeno([...tools, "scripts/docs.ts", "--check"]) },
  { name: "coverage floor", run: checkCoverage },
];

/** Measures what imports cost, so it runs alone. */
const footprint: Check = { name: "footprint", run: () => runDeno([...tools, "scripts/footprint.ts", "--check"]) };

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main([option, wanted = "", ...rest]: readonly string[]): Promise<number> {
  const all = [...checks, types, footprint];
  const isWanted = ({ name }: Check) => name.includes(wanted);
  if ((option !== undefined && option !== "--only") || rest.length > 0 || !all.some(isWanted)) {
    print(`Usage: deno task ok [--only <part of a name>]; the checks: ${all.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const lanes = [[types], checks].map((lane) => runChecks(lane.filter(isWanted)));
  const [first = 0, second = 0] = await Promise.all(lanes);
  const failed = first + second + await runChecks([footprint].filter(isWanted));
  print(failed === 0 ? "The gate is open." : `${failed} of ${all.filter(isWanted).length} checks failed.`);
  return failed === 0 ? 0 : 1;
}

/** Runs checks one after the other and returns how many have failed. */
async function runChecks(lane: readonly Check[]): Promise<number> {
  let failed = 0;
  for (const check of lane) {
    const startedMs = performance.now();
    const { passed, text } = await check.run();
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    print(`${passed ? "ok    " : "FAILED"} ${check.name} (${seconds} s)${text ? `\n${text}` : ""}`);
    if (!passed) failed += 1;
  }
  return failed;
}

/** A check that finds violations in the text of all sources. */
function textCheck(name: string, find: (files: SourceFile[]) => string[]): Check {
  const run = async () => {
    const found = find(await readSources(["main.ts", "lib", "scripts", "tests"]));
    return { passed: found.length === 0, text: found.join("\n") };
  };
  return { name, run };
}

async function checkClientVersion(): Promise<Outcome> {
  const found = findVersionViolations(await Deno.readTextFile(`${projectRoot}scripts/frp/go.mod`), {
    version: tunnelClientVersion,
  });
  return { passed: found.length === 0, text: found.join("\n") };
}

/** The sources of the program itself. */
function programOf(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path === "main.ts" || path.startsWith("lib/"));
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
