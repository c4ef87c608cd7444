/**
 * `deno task footprint [--check]`: modules and bytes of each component of the bundle, what is loaded at the start, and
 * the time and memory of each import compared with an empty process, and its processor time as a multiple of what the
 * runtime's own modules take. Ends with 1 when something exceeds its limit in
 * scripts/footprint/allowances.ts. With `--check` it measures less often and prints only what is wrong. Costs are
 * measured on Linux only.
 */

import { alignColumns } from "./bench/table.ts";
import { bundleArgs, plainBundleArgs } from "./build/plan.ts";
import { type Allowances, allowances, bundleLimits } from "./footprint/allowances.ts";
import { findFootprintViolations, type Footprint, processorRatio } from "./footprint/judge.ts";
import { type Imports, measureImports, runDeno } from "./footprint/measure.ts";
import { readComponents, readStart, sumOf } from "./footprint/components.ts";
import { projectRoot, urlOf } from "./paths.ts";

const measuredRuns = 9;
const checkedRuns = 5;
/** Of the measurements that a check makes before an import counts as too dear. */
const longerRuns = [9, 15, 25];

if (import.meta.main) Deno.exit(await main(Deno.args));

async function main(args: readonly string[]): Promise<number> {
  if (args.length > 1 || (args.length === 1 && args[0] !== "--check")) {
    print("Usage: deno task footprint [--check]");
    return 2;
  }
  const isCheck = args.length === 1;
  const found = await readFootprint(isCheck ? checkedRuns : measuredRuns);
  if (!isCheck) print(renderFootprint(found, allowances));
  let violations = findFootprintViolations(found, allowances);
  // A slow moment of the machine lasts longer than a measurement: what is too much is so in each longer one, too.
  for (const runs of isCheck ? longerRuns : []) {
    if (violations.length === 0) break;
    violations = findFootprintViolations(await readFootprint(runs), allowances);
  }
  for (const violation of violations) print(violation);
  if (violations.length > 0) print("The limits are in scripts/footprint/allowances.ts");
  return violations.length === 0 ? 0 : 1;
}

/** Bundles the agent and measures each of its imports in `runs` processes. */
async function readFootprint(runs: number): Promise<Footprint> {
  const main = `${projectRoot}main.ts`;
  const start = readStart(await runDeno(["info", "--json", main]), urlOf(""));
  const folder = await Deno.makeTempDir({ prefix: "reagent-footprint-" });
  try {
    const [plain, minified] = [`${folder}/plain.js`, `${folder}/minified.js`];
    await runDeno(plainBundleArgs(main, plain));
    await runDeno(bundleArgs(main, minified));
    const costs = Deno.build.os === "linux" ? await measureImports(importsOf(start), runs) : new Map();
    const { size } = await Deno.stat(minified);
    return { components: readComponents(await Deno.readTextFile(plain)), start, payloadBytes: size, costs };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is measured: modules of the runtime, each package, our largest folders, and the whole agent. */
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
  const components = [...found.components].sort(([, a], [, b]) => b.bytes - a.bytes);
  const sum = sumOf(found.components);
  const rows = [
    ["component", "", "modules", "allowed", "bytes", "allowed"],
    ...components.map(([name, { modules, bytes }]) => {
      const limit = allowed.components[name];
      return [name, "", `${modules}`, `${limit?.modules ?? "-"}`, `${bytes}`, `${limit?.bytes ?? "-"}`];
    }),
    ["all", "", `${sum.modules}`, `${bundleLimits.modules}`, `${sum.bytes}`, "-"],
    ["minified", "", "", "", `${found.payloadBytes}`, `${bundleLimits.payloadBytes}`],
  ];
  const costs = [
    ["import", "", "start ms", "processor ms", "ratio", "allowed", "RSS MiB", "allowed"],
    ...[...found.costs].map(([name, cost]) => [
      name,
      "",
      cost.startMs.toFixed(0),
      cost.processorMs.toFixed(0),
      processorRatio(found.costs, name).toFixed(2),
      `${allowed.costs[name]?.processorRatio ?? "-"}`,
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
