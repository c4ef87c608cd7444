/**
 * `deno task bench`: measures how fast the agent starts, answers, installs and ends, and what it needs for it, on real parts in a
 * box. `--only` names groups of rows; `deno task bench --help` tells the rest. Prints a table beside the bars and what the
 * reference agent reached, and keeps the figures in bench.json; `--plot` draws them as docs/figures.svg. Ends with 0 unless
 * something could not be measured; a figure over its bar is told and no failure. Needs root, on Linux.
 */

import { Box, sweepBoxes } from "./testbed/box.ts";
import { readTextIfThere } from "./files.ts";
import { type BenchWish, readBenchWish, type Run, runsOf, usage } from "./bench/arguments.ts";
import { type Figure, figuresOf, mergeFigures } from "./bench/figures.ts";
import { groups } from "./bench/groups.ts";
import { plotLines, renderPlot } from "./bench/plot.ts";
import { type NotedFigure, readReport, reportText } from "./bench/report.ts";
import { renderFigures } from "./bench/table.ts";
import { build } from "./build.ts";
import { installParts } from "./testbed/setup/install_parts.ts";
import { projectRoot } from "./paths.ts";

const reportFile = `${projectRoot}bench.json`;
const plotFile = "docs/figures.svg";

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const wish = readBenchWish(args);
  if (wish === undefined) {
    print(usage);
    return 2;
  }
  if (wish.isPlotOnly) return await drawPlot();
  const runs = runsOf(wish);
  if (Deno.env.get("REAGENT_BOX") === "1") return await measureAll(wish, runs);
  const missing = await installParts((text) => print(`setup: ${text}`));
  const hasCrossbar = runs.some(({ router }) => router === "crossbar");
  const needed = ["box", "engine", "registry", ...(hasCrossbar ? ["crossbar"] : [])];
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
    trial: ["-version"],
  };
  return await build(["--bundle-only"], { ...options, say: print }) === 0;
}

/** Runs this file again where it can start real parts. */
async function runInBox(args: readonly string[]): Promise<number> {
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "scripts/bench.ts", ...args];
  await using box = await Box.start([Deno.execPath(), ...command], { cwd: projectRoot });
  return (await box.status).code;
}

async function measureAll(wish: BenchWish, runs: readonly Run[]): Promise<number> {
  let measured: NotedFigure[] = [];
  let failed = 0;
  for (const run of runs) {
    const figures = await measureRun(run, wish);
    if (figures === undefined) failed += 1;
    else measured = mergeFigures(measured, figures.map((figure) => ({ ...figure, ...where() })));
  }
  print(`\n${where().machine}\n${renderFigures(measured)}`);
  const known = readReport(await readTextIfThere(reportFile) ?? "");
  await Deno.writeTextFile(reportFile, reportText(mergeFigures(known, measured)));
  if (failed > 0) print(`${failed} of ${runs.length} runs could not be measured`);
  return failed === 0 ? 0 : 1;
}

/** Draws what bench.json holds. */
async function drawPlot(): Promise<number> {
  const figures = readReport(await readTextIfThere(reportFile) ?? "");
  const byTime = figures.toSorted((a, b) => a.at < b.at ? -1 : 1);
  const [oldest, newest] = [byTime.at(0), byTime.at(-1)];
  if (oldest === undefined || newest === undefined) {
    print("There are no figures yet; run: deno task bench");
    return 1;
  }
  const minute = (at: string) => at.slice(0, 16).replace("T", " ");
  const where = `Measured ${minute(oldest.at)} to ${minute(newest.at)}, the last on ${newest.machine}`;
  await Deno.writeTextFile(`${projectRoot}${plotFile}`, renderPlot(plotLines(figures), where));
  // The gate checks the form of everything in docs.
  const formatted = await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", plotFile], cwd: projectRoot })
    .output();
  print(`Wrote ${plotFile}`);
  return formatted.success ? 0 : 1;
}

/** The figures of one run; undefined when it could not be measured, which is told. */
async function measureRun({ group, ...setting }: Run, { starts }: BenchWish): Promise<Figure[] | undefined> {
  const name = `${group}, ${setting.program}, ${setting.router} router`;
  const beganMs = performance.now();
  const say = (text: string) => print(`${name}: ${text}`);
  try {
    const figures = figuresOf(await groups[group]({ setting, starts, say }), setting);
    say(`done in ${Math.round((performance.now() - beganMs) / 1_000)} s`);
    return figures;
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
