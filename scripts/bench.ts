/**
 * `deno task bench`: measures how fast the agent starts, answers, installs and stops, and the resources it needs,
 * with a real engine, registry and router in a box. `--only` names groups of rows; `--help` lists all options. Prints
 * the results next to their targets and those of the reference agent, and stores them in bench.json; `--plot` draws
 * them as docs/figures.svg. Exits with 0 unless something could not be measured; a result that misses its target is
 * reported and is no failure. Needs Linux and root.
 */

import { Box, sweepBoxes } from "./testbed/box.ts";
import { readTextIfThere } from "./files.ts";
import { type BenchOptions, readBenchOptions, type Run, runsOf, usage } from "./bench/arguments.ts";
import { mergeResults, type Result, resultsOf } from "./bench/results.ts";
import { groups } from "./bench/groups.ts";
import { plotLines, renderPlot } from "./bench/plot.ts";
import { readReport, type RecordedResult, reportText } from "./bench/report.ts";
import { renderResults } from "./bench/table.ts";
import { build } from "./build.ts";
import { installParts } from "./testbed/setup/install_parts.ts";
import { projectRoot } from "./paths.ts";

const reportFile = `${projectRoot}bench.json`;
const plotFile = "docs/figures.svg";

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const options = readBenchOptions(args);
  if (options === undefined) {
    print(usage);
    return 2;
  }
  if (options.isPlotOnly) return await drawPlot();
  const runs = runsOf(options);
  if (Deno.env.get("REAGENT_BOX") === "1") return await measureAll(options, runs);
  const missing = await installParts((text) => print(`setup: ${text}`));
  const hasCrossbar = runs.some(({ router }) => router === "crossbar");
  const hasTunnels = runs.some(({ group }) => group === "tunnels");
  const needed = ["box", "engine", "registry", ...(hasCrossbar ? ["crossbar"] : []), ...(hasTunnels ? ["frp"] : [])];
  const lacks = [...missing].filter(([name]) => needed.includes(name));
  for (const [name, reason] of lacks) print(`Cannot measure without ${name}: ${reason}`);
  if (lacks.length > 0) return 1;
  if (runs.some(({ program }) => program === "bundle") && !await makeBundle()) return 1;
  await sweepBoxes();
  return await runInBox(args);
}

async function makeBundle(): Promise<boolean> {
  const options = {
    entry: `${projectRoot}main.ts`,
    folder: `${projectRoot}build`,
    targets: "",
    environment: Deno.env.toObject(),
    trial: { args: ["-version"] },
  };
  return await build(["--bundle-only"], { ...options, say: print }) === 0;
}

/** Runs this program again in a box. */
async function runInBox(args: readonly string[]): Promise<number> {
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "scripts/bench.ts", ...args];
  await using box = await Box.start([Deno.execPath(), ...command], { cwd: projectRoot });
  return (await box.status).code;
}

async function measureAll(options: BenchOptions, runs: readonly Run[]): Promise<number> {
  let measured: RecordedResult[] = [];
  let failed = 0;
  for (const run of runs) {
    const results = await measureRun(run, options);
    if (results === undefined) failed += 1;
    else measured = mergeResults(measured, results.map((result) => ({ ...result, ...where() })));
  }
  print(`\n${where().machine}\n${renderResults(measured)}`);
  const known = readReport(await readTextIfThere(reportFile) ?? "");
  await Deno.writeTextFile(reportFile, reportText(mergeResults(known, measured)));
  if (failed > 0) print(`${failed} of ${runs.length} runs could not be measured`);
  return failed === 0 ? 0 : 1;
}

/** Draws the results of bench.json. */
async function drawPlot(): Promise<number> {
  const results = readReport(await readTextIfThere(reportFile) ?? "");
  const byTime = results.toSorted((a, b) => a.at < b.at ? -1 : 1);
  const [oldest, newest] = [byTime.at(0), byTime.at(-1)];
  if (oldest === undefined || newest === undefined) {
    print("There are no results yet; run: deno task bench");
    return 1;
  }
  const minute = (at: string) => at.slice(0, 16).replace("T", " ");
  const where = `Measured ${minute(oldest.at)} to ${minute(newest.at)}, the last on ${newest.machine}`;
  await Deno.writeTextFile(`${projectRoot}${plotFile}`, renderPlot(plotLines(results), where));
  // The gate checks the format of everything in docs.
  const formatted = await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", plotFile], cwd: projectRoot })
    .output();
  print(`Wrote ${plotFile}`);
  return formatted.success ? 0 : 1;
}

/** Returns the results of one run; undefined when it could not be measured, which is printed. */
async function measureRun({ group, ...setting }: Run, { starts }: BenchOptions): Promise<Result[] | undefined> {
  const name = `${group}, ${setting.program}, ${setting.router} router`;
  const beganMs = performance.now();
  const say = (text: string) => print(`${name}: ${text}`);
  try {
    const results = resultsOf(await groups[group]({ setting, starts, say }), setting);
    say(`done in ${Math.round((performance.now() - beganMs) / 1_000)} s`);
    return results;
  } catch (error) {
    say(`FAILED: ${error instanceof Error ? error.stack : String(error)}`);
    return undefined;
  }
}

function where(): { at: string; machine: string } {
  const load = Deno.loadavg().map((value) => value.toFixed(1)).join(" ");
  const machine = `${Deno.build.os}/${Deno.build.arch}, ${navigator.hardwareConcurrency} processors, load ${load}, ` +
    `Deno ${Deno.version.deno}`;
  return { at: new Date().toISOString(), machine };
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
