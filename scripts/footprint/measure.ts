/** Measures what an import costs: processes that load a bundle of it, compared with processes that load nothing. */

import { median } from "../bench/results.ts";
import { withInstalledPackages } from "../packages.ts";
import { projectRoot } from "../paths.ts";
import { mustRun } from "../programs.ts";

/** What an import costs on top of an empty process: medians, and the least processor time. */
export interface Cost {
  /** Until everything is loaded. */
  startMs: number;
  /** Of all threads together. Other programs only ever add to it, so the least of all runs says most. */
  processorMs: number;
  rssMib: number;
}

/** What is imported, by the name under which it is reported. */
export type Imports = Readonly<Record<string, readonly string[]>>;

/** The row of the process that loads nothing; its cost is absolute, not a difference. */
export const emptyName = "an empty process";

// The kernel counts processor time of a thread in nanoseconds.
const report = `
const { rss } = Deno.memoryUsage();
const startMs = performance.now();
let nanoseconds = 0;
for (const { name } of Deno.readDirSync("/proc/self/task")) {
  nanoseconds += Number(Deno.readTextFileSync(\`/proc/self/task/\${name}/schedstat\`).split(" ")[0]);
}
console.log(JSON.stringify([startMs, nanoseconds / 1e6, rss / 1024 / 1024]));
Deno.exit(0);
`;

/**
 * Loads each row in `runs` fresh processes, taking turns so that a busy moment affects all rows, after one more that
 * fills caches. Linux only, because it reads /proc. Throws when a row cannot be bundled or does not load.
 */
export async function measureImports(imports: Imports, runs: number): Promise<Map<string, Cost>> {
  const folder = await Deno.makeTempDir({ prefix: "reagent-footprint-" });
  try {
    const rows = [[emptyName, []] as const, ...Object.entries(imports)];
    const files = await bundleRows(folder, rows);
    const samples = rows.map(([name]) => ({ name, runs: [] as Cost[] }));
    for (let run = 0; run <= runs; run += 1) {
      for (const [index, sample] of samples.entries()) {
        const cost = await runOnce(files[index] ?? "");
        if (run > 0) sample.runs.push(cost);
      }
    }
    return differences(samples);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Makes one minified script for each row, as the agent itself is shipped. */
async function bundleRows(
  folder: string,
  rows: readonly (readonly [name: string, specifiers: readonly string[]])[],
): Promise<string[]> {
  const entries: string[] = [];
  for (const [index, [, specifiers]] of rows.entries()) {
    const lines = specifiers.map((specifier, at) =>
      `import * as part${at} from ${JSON.stringify(specifier)};\nReflect.set(globalThis, "part${at}", part${at});\n`
    );
    const entry = `${folder}/row${index}.ts`;
    await Deno.writeTextFile(entry, lines.join("") + report);
    entries.push(entry);
  }
  const project = ["--config", `${projectRoot}deno.json`, withInstalledPackages];
  const settings = ["--quiet", "--no-check", "--minify", "--platform", "deno", ...project];
  // With a single entry the folder would be taken for a file; the empty row makes it at least two.
  await runDeno(["bundle", ...settings, "--outdir", `${folder}/out`, ...entries]);
  return rows.map((_, index) => `${folder}/out/row${index}.js`);
}

async function runOnce(file: string): Promise<Cost> {
  const settings = ["--no-prompt", "--quiet", "--no-check", "--no-config", "--no-lock", "-A", "--unstable-net"];
  const numbers: unknown = JSON.parse(await runDeno(["run", ...settings, file]));
  const [startMs, processorMs, rssMib] = Array.isArray(numbers) ? numbers.map(Number) : [];
  if (startMs === undefined || processorMs === undefined || rssMib === undefined) {
    throw new Error("Cannot read what an import cost");
  }
  return { startMs, processorMs, rssMib };
}

/** Runs the runtime and returns its output. Throws with its errors when it fails. */
export async function runDeno(args: string[]): Promise<string> {
  return (await mustRun(Deno.execPath(), args, { cwd: projectRoot, env: { NO_COLOR: "1" } })).stdout;
}

function differences(samples: readonly { name: string; runs: readonly Cost[] }[]): Map<string, Cost> {
  const middles = samples.map(({ name, runs }): [string, Cost] => [name, {
    startMs: median(runs.map(({ startMs }) => startMs)),
    processorMs: Math.min(...runs.map(({ processorMs }) => processorMs)),
    rssMib: median(runs.map(({ rssMib }) => rssMib)),
  }]);
  const empty = middles[0]?.[1] ?? { startMs: 0, processorMs: 0, rssMib: 0 };
  return new Map(middles.map(([name, cost], index) => [
    name,
    index === 0 ? cost : {
      startMs: cost.startMs - empty.startMs,
      processorMs: cost.processorMs - empty.processorMs,
      rssMib: cost.rssMib - empty.rssMib,
    },
  ]));
}
