/**
 * `deno task test [--unit | --box] [--nightly] [part of a path …]`: installs what is missing, runs the unit tests, then
 * each file that needs real parts in a box of its own, two at a time. The last line is `N passed, N failed`, with `, N
 * skipped` when tests were skipped. `--nightly` takes all rows of the fault table, which is more than an hour, instead
 * of a sample. With CI set, a file that cannot run counts as failed. REAGENT_COVERAGE names a folder for coverage.
 * Types are checked by `deno task ok`.
 */

import { Box, sweepBoxes } from "./testbed/box.ts";
import { sendSignal } from "./testbed/background.ts";
import { installParts } from "./testbed/setup/install_parts.ts";
import { partsFolder } from "./testbed/setup/folder.ts";
import { judgeRun, type TestOutcome } from "./test/junit.ts";
import { findTests } from "./test/find.ts";
import { selectFiles, type Wish } from "./test/selection.ts";
import { projectRoot } from "./paths.ts";

const boxesAtOnce = 2;

/** A run that takes longer is ended and counts as failed. */
const limitMs = 10 * 60_000;

/** Of a run in which the whole fault table is gone through. */
const nightlyLimitMs = 3 * 3_600_000;

const isNightly = Deno.args.includes("--nightly");

/** Ends everything that this run has started. */
const stops = new Set<() => Promise<void>>();

if (import.meta.main) {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      Promise.allSettled([...stops].map((stop) => stop())).finally(() => Deno.exit(signal === "SIGINT" ? 130 : 143));
    });
  }
  Deno.exit(await main(Deno.args));
}

async function main(args: readonly string[]): Promise<number> {
  const wish = readWish(args);
  if (wish === undefined) {
    print("Usage: deno task test [--unit | --box] [--nightly] [part of a path …]");
    return 2;
  }
  const startedMs = performance.now();
  const missing = await installParts((text) => print(`setup: ${text}`));
  await sweepBoxes();
  const times = await readTimes();
  const { unit, box, skipped } = selectFiles(await findTests(projectRoot), { wish, missing, lastMs: times });
  if (unit.length + box.length + skipped.length === 0) {
    print(`No test file matches ${wish.substrings.join(", ")}`);
    return 2;
  }
  const outcomes: TestOutcome[] = skipped.map(({ path, reason }) => {
    return { file: path, name: "could not run", kind: Deno.env.get("CI") ? "failed" : "skipped", text: reason };
  });
  const folder = await Deno.makeTempDir({ prefix: "reagent-test-" });
  try {
    if (unit.length > 0) outcomes.push(...await runUnit(unit, folder));
    const queue = [...box];
    const work = async () => {
      for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
        const beganMs = performance.now();
        outcomes.push(...await runInBox(file, folder));
        times[file] = Math.round(performance.now() - beganMs);
      }
    };
    await Promise.all(Array.from({ length: boxesAtOnce }, work));
    await Deno.writeTextFile(timesFile(), JSON.stringify(times));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return summarise(outcomes, startedMs);
}

function readWish(args: readonly string[]): Wish | undefined {
  const options = args.filter((arg) => arg.startsWith("-") && arg !== "--nightly");
  const substrings = args.filter((arg) => !arg.startsWith("-")).map((arg) => arg.replace(/^\.\//, ""));
  if (options.length === 0) return { substrings };
  if (options.length === 1 && options[0] === "--unit") return { substrings, only: "unit" };
  if (options.length === 1 && options[0] === "--box") return { substrings, only: "box" };
  return undefined;
}

function testArgs(files: readonly string[], report: string): string[] {
  const coverage = Deno.env.get("REAGENT_COVERAGE");
  return [
    ...["test", "--no-prompt", "-P", "--quiet", "--no-check", `--junit-path=${report}`],
    ...(coverage ? [`--coverage=${coverage}`, "--coverage-raw-data-only"] : []),
    ...files,
  ];
}

async function runUnit(files: readonly string[], folder: string): Promise<TestOutcome[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--parallel", ...testArgs(files, `${folder}/unit.xml`).slice(1)],
    cwd: projectRoot,
    env: testEnvironment(),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kill = async () => {
    sendSignal(child.pid, "SIGKILL");
    await child.status;
  };
  return await follow(child, { name: `${files.length} unit test files`, files, report: `${folder}/unit.xml`, kill });
}

async function runInBox(file: string, folder: string): Promise<TestOutcome[]> {
  const report = `${folder}/${file.replaceAll("/", "-")}.xml`;
  const command = [Deno.execPath(), ...testArgs([file], report)];
  await using box = await Box.start(command, { cwd: projectRoot, env: testEnvironment(), output: "piped" });
  return await follow(box, { name: file, files: [file], report, kill: () => box[Symbol.asyncDispose]() });
}

/**
 * Waits for a test run, ends it at the limit or when the user stops, and prints one line, or everything if it failed.
 */
async function follow(
  child: {
    stdout: ReadableStream<Uint8Array>;
    stderr: ReadableStream<Uint8Array>;
    status: Promise<Deno.CommandStatus>;
  },
  run: { name: string; files: readonly string[]; report: string; kill: () => Promise<void> },
): Promise<TestOutcome[]> {
  const startedMs = performance.now();
  let limitText = "";
  const ownLimitMs = isNightly ? nightlyLimitMs : limitMs;
  const timer = setTimeout(() => {
    limitText = `\n${run.name} took longer than ${ownLimitMs / 1000} s and was ended`;
    run.kill();
  }, ownLimitMs);
  stops.add(run.kill);
  try {
    const [output, errors, status] = await Promise.all([readAll(child.stdout), readAll(child.stderr), child.status]);
    const text = output + errors + limitText;
    const outcomes = judgeRun(run.files, { xml: await readIfThere(run.report), success: status.success, output: text });
    const failed = outcomes.filter((outcome) => outcome.kind === "failed").length;
    const passed = outcomes.filter((outcome) => outcome.kind === "passed").length;
    if (failed > 0) print(text.trimEnd());
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
    print(`${failed > 0 ? "FAILED" : "ok    "} ${run.name}: ${passed} passed, ${failed} failed (${seconds} s)`);
    return outcomes;
  } finally {
    clearTimeout(timer);
    stops.delete(run.kill);
  }
}

function testEnvironment(): Record<string, string> {
  const coverage = Deno.env.get("REAGENT_COVERAGE");
  // Agents that the tests start write their coverage by this variable.
  return {
    NO_COLOR: "1",
    ...(isNightly ? { REAGENT_FAULTS: Deno.env.get("REAGENT_FAULTS") || "all" } : {}),
    ...(coverage ? { DENO_COVERAGE_DIR: coverage } : {}),
  };
}

function summarise(outcomes: readonly TestOutcome[], startedMs: number): number {
  const of = (kind: TestOutcome["kind"]) => outcomes.filter((outcome) => outcome.kind === kind);
  for (const [title, kind] of [["Skipped", "skipped"], ["Failed", "failed"]] as const) {
    if (of(kind).length > 0) print(`\n${title}:`);
    for (const { file, name, text } of of(kind)) {
      print(`  ${file}: ${name}`);
      for (const line of text.split("\n").slice(0, 3)) if (line.trim() !== "") print(`      ${line.trim()}`);
    }
  }
  const skipped = of("skipped").length;
  print(`\nTests took ${Math.round((performance.now() - startedMs) / 1000)} s`);
  print(`${of("passed").length} passed, ${of("failed").length} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return of("failed").length === 0 ? 0 : 1;
}

function timesFile(): string {
  return `${partsFolder().root}/test_times.json`;
}

/** How long each file took the last time, in milliseconds; only decides the order. */
async function readTimes(): Promise<Record<string, number>> {
  const times: Record<string, number> = {};
  try {
    const stored: unknown = JSON.parse(await readIfThere(timesFile()) || "{}");
    for (const [file, ms] of Object.entries(stored ?? {})) if (typeof ms === "number") times[file] = ms;
  } catch (error) {
    // A broken file costs a worse order and is replaced at the end.
    if (!(error instanceof SyntaxError)) throw error;
  }
  return times;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}
