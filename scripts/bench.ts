/**
 * `deno task bench [--router embedded|crossbar] [--program source|bundle] [--starts N] [--settle SECONDS]`: measures how fast the
 * agent starts and answers and how much memory it takes, from source and as the minified bundle, on real parts in a box. Prints a
 * table beside the bars of the next stage, none of which is enforced, and writes bench.json. Needs root, on Linux.
 */

import { Box, sweepBoxes } from "../tests/parts/box.ts";
import { type BenchWish, readBenchWish, usage } from "./bench/arguments.ts";
import { type Figure, figuresOf, median, type Yardsticks } from "./bench/figures.ts";
import { type Measured, measureProgram } from "./bench/measure.ts";
import { renderFigures } from "./bench/table.ts";
import { measureBareStart } from "./bench/yardsticks.ts";
import { build } from "./build.ts";
import { installParts } from "./setup.ts";

const root = new URL("..", import.meta.url).pathname;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  const wish = readBenchWish(args);
  if (wish === undefined) {
    print(usage);
    return 2;
  }
  if (Deno.env.get("REAGENT_BOX") === "1") return await measureAll(wish);
  const missing = await installParts((text) => print(`setup: ${text}`));
  const needed = ["box", "engine", "registry", ...(wish.router === "crossbar" ? ["crossbar"] : [])];
  const lacks = [...missing].filter(([name]) => needed.includes(name));
  for (const [name, reason] of lacks) print(`Cannot measure without ${name}: ${reason}`);
  if (lacks.length > 0) return 1;
  if (wish.programs.includes("bundle") && !await makeBundle()) return 1;
  await sweepBoxes();
  return await runInBox(args);
}

async function makeBundle(): Promise<boolean> {
  const options = { entry: `${root}main.ts`, folder: `${root}build`, targets: "", environment: Deno.env.toObject() };
  return await build(["--bundle-only"], { ...options, say: print }) === 0;
}

/** Runs this file again where it can start real parts. */
async function runInBox(args: readonly string[]): Promise<number> {
  const command = ["run", "--no-prompt", "-P=tools", "--quiet", "--no-check", "scripts/bench.ts", ...args];
  await using box = await Box.start([Deno.execPath(), ...command], { cwd: root });
  return (await box.status).code;
}

async function measureAll(wish: BenchWish): Promise<number> {
  const bareStartMs = await measureBareStart();
  const measured = new Map<BenchWish["programs"][number], Measured>();
  for (const program of wish.programs) measured.set(program, await measureProgram(program, wish, print));
  const engines = [...measured.values()].map(({ engine }) => engine);
  const yardsticks: Yardsticks = {
    bareStartMs,
    engineP50Ms: median(engines.map(({ p50Ms }) => p50Ms)),
    engineP99Ms: median(engines.map(({ p99Ms }) => p99Ms)),
  };
  const figures = [...measured].flatMap(([program, { samples }]) => figuresOf(program, samples, yardsticks));
  print(`\n${machineText(wish)}\n${renderFigures(figures, yardsticks)}`);
  await writeReport(wish, { figures, yardsticks, measured });
  return 0;
}

async function writeReport(
  wish: BenchWish,
  result: { figures: Figure[]; yardsticks: Yardsticks; measured: ReadonlyMap<string, Measured> },
): Promise<void> {
  const { figures, yardsticks, measured } = result;
  const samples = Object.fromEntries([...measured].map(([program, { samples }]) => [program, samples]));
  const report = { machine: machineText(wish), at: new Date().toISOString(), wish, yardsticks, figures, samples };
  await Deno.writeTextFile(`${root}bench.json`, `${JSON.stringify(report, null, 2)}\n`);
}

/** Figures of a busy machine are worth little, so its load is told. */
function machineText({ router, starts }: BenchWish): string {
  const load = Deno.loadavg().map((value) => value.toFixed(1)).join(" ");
  return `${Deno.build.os}/${Deno.build.arch}, ${navigator.hardwareConcurrency} processors, load ${load}, ` +
    `Deno ${Deno.version.deno}, ${router} router, median of ${starts} starts`;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
