/**
 * `deno task footprint [--check]`: what the agent consists of and what its imports cost: modules and bytes of each part
 * of the bundle, what is loaded at the start, and time and memory of each import beside a bare process. Ends with 1
 * when something is above its line in scripts/footprint/allowances.ts. With `--check` it measures less often and says
 * nothing when all is well. Costs are measured on Linux only.
 */

import { alignColumns } from "./bench/table.ts";
import { bundleArgs } from "./build/plan.ts";
import { type Allowances, allowances, bundleLimits } from "./footprint/allowances.ts";
import { findFootprintFaults, type Footprint } from "./footprint/judge.ts";
import { type Imports, measureImports, runDeno } from "./footprint/measure.ts";
import { readParts, readStart, sumOf } from "./footprint/parts.ts";
import { projectRoot, urlOf } from "./paths.ts";

const measuredRuns = 9;
const checkedRuns = 3;

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  if (args.length > 1 || (args.length === 1 && args[0] !== "--check")) {
    print("Usage: deno task footprint [--check]");
    return 2;
  }
  const isCheck = args.length === 1;
  const found = await readFootprint(isCheck ? checkedRuns : measuredRuns);
  if (!isCheck) print(renderFootprint(found, allowances));
  const faults = findFootprintFaults(found, allowances);
  for (const fault of faults) print(fault);
  if (faults.length > 0) print("Lines are in scripts/footprint/allowances.ts");
  return faults.length === 0 ? 0 : 1;
}

/** Bundles the agent and measures its imports, each in so many processes. */
async function readFootprint(runs: number): Promise<Footprint> {
  const main = `${projectRoot}main.ts`;
  const start = readStart(await runDeno(["info", "--json", main]), urlOf(""));
  const folder = await Deno.makeTempDir({ prefix: "reagent-footprint-" });
  try {
    const [plain, minified] = [`${folder}/plain.js`, `${folder}/minified.js`];
    await runDeno(bundleArgs(main, plain).filter((arg) => arg !== "--minify"));
    await runDeno(bundleArgs(main, minified));
    const costs = Deno.build.os === "linux" ? await measureImports(importsOf(start), runs) : new Map();
    const { size } = await Deno.stat(minified);
    return { parts: readParts(await Deno.readTextFile(plain)), start, payloadBytes: size, costs };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is measured: what the runtime brings, each package, our folders of weight, and all of it. */
function importsOf(start: readonly string[]): Imports {
  const runtime = start.filter((name) => name.startsWith("node:"));
  const inFolder = (folder: string) =>
    start.filter((path) => path.startsWith(`lib/${folder}/`)).map((path) => urlOf(path));
  return {
    "node:": runtime,
    "autobahn": ["autobahn/lib/session.js"],
    "ws": ["ws"],
    "dockerode": ["dockerode"],
    "@logtape/logtape": ["@logtape/logtape"],
    ...Object.fromEntries(
      ["wamp", "docker", "store", "log", "app_logs", "apps"].map((name) => [`lib/${name}`, inFolder(name)]),
    ),
    "the whole agent": [urlOf("lib/agent.ts")],
  };
}

function renderFootprint(found: Footprint, allowed: Allowances): string {
  const parts = [...found.parts].sort(([, a], [, b]) => b.bytes - a.bytes);
  const sum = sumOf(found.parts);
  const rows = [
    ["part of the bundle", "", "modules", "allowed", "bytes", "allowed"],
    ...parts.map(([name, { modules, bytes }]) => {
      const line = allowed.parts[name];
      return [name, "", `${modules}`, `${line?.modules ?? "-"}`, `${bytes}`, `${line?.bytes ?? "-"}`];
    }),
    ["all", "", `${sum.modules}`, `${bundleLimits.modules}`, `${sum.bytes}`, "-"],
    ["minified", "", "", "", `${found.payloadBytes}`, `${bundleLimits.payloadBytes}`],
  ];
  const costs = [
    ["import", "", "start ms", "processor ms", "allowed", "RSS MiB", "allowed"],
    ...[...found.costs].map(([name, cost]) => [
      name,
      "",
      cost.startMs.toFixed(0),
      cost.processorMs.toFixed(0),
      `${allowed.costs[name]?.processorMs ?? "-"}`,
      cost.rssMib.toFixed(1),
      `${allowed.costs[name]?.rssMib ?? "-"}`,
    ]),
  ];
  const foreign = found.start.filter((name) => !/^(lib\/|main\.ts$)/.test(name)).join(" ");
  return `${alignColumns(rows)}\n\n${alignColumns(costs)}\n\nloaded at the start: ${foreign}\n`;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
