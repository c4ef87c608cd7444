/** Runs test files: unit tests in one process, a file that needs real parts in a box of its own. */

import { readTextIfThere } from "../files.ts";
import { withInstalledPackages } from "../packages.ts";
import { projectRoot } from "../paths.ts";
import { sendSignal } from "../testbed/background.ts";
import { Box } from "../testbed/box.ts";
import { judgeRun, type TestOutcome } from "./junit.ts";

/** A run that takes longer is killed and counts as failed. */
const limitMs = 10 * 60_000;

/** The same, when a run includes the whole fault table. */
const nightlyLimitMs = 3 * 3_600_000;

/** How tests are run. */
export interface TestRunsOptions {
  /** For reports; removed by the caller. */
  folder: string;
  /** Runs the whole fault table instead of a sample. */
  isNightly: boolean;
  /** A folder for what the tests cover; undefined to measure nothing. */
  coverage: string | undefined;
  /** Prints a line. */
  say(text: string): void;
}

/** A file to run in a box; `part` limits the fault table to some of its rows, as `2/4`. */
export interface BoxRun {
  file: string;
  part?: string;
}

/** Tests in boxes wait for engines half of the time, so more boxes than processors finish sooner. */
const nightlyBoxes = 4;
const regularBoxes = 3;

const faultTables = ["tests/fault/steps_test.ts", "tests/fault/kinds_test.ts"];

/** What runs in boxes, and how many at once: the whole fault table of a nightly run is dealt out to several. */
export function planBoxRuns(files: readonly string[], isNightly: boolean): { runs: BoxRun[]; atOnce: number } {
  if (!isNightly) return { runs: files.map((file) => ({ file })), atOnce: regularBoxes };
  const parts = Array.from({ length: nightlyBoxes }, (_, index) => `${index + 1}/${nightlyBoxes}`);
  const runs = files.flatMap((file): BoxRun[] => {
    return faultTables.includes(file) ? parts.map((part) => ({ file, part })) : [{ file }];
  });
  return { runs, atOnce: nightlyBoxes };
}

/** A process that runs tests. */
interface TestProcess {
  stdout: ReadableStream<Uint8Array>;
  stderr: ReadableStream<Uint8Array>;
  status: Promise<Deno.CommandStatus>;
}

/** One run: what it is called, its files and its report, and how to end it. */
interface TestRun {
  name: string;
  files: readonly string[];
  report: string;
  kill(): Promise<void>;
}

/** Runs test files and knows the runs in progress, so that all can be ended. */
export class TestRuns {
  readonly #options: TestRunsOptions;
  readonly #running = new Set<TestRun>();

  constructor(options: TestRunsOptions) {
    this.#options = options;
  }

  /** Runs unit tests, in parallel. */
  async runUnit(files: readonly string[]): Promise<TestOutcome[]> {
    const report = `${this.#options.folder}/unit.xml`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "--parallel", ...this.#testArgs(report), ...files],
      cwd: projectRoot,
      env: this.#environment(),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const kill = async () => {
      sendSignal(child.pid, "SIGKILL");
      await child.status;
    };
    return await this.#follow(child, { name: `${files.length} unit test files`, files, report, kill });
  }

  /** Runs one file in a box of its own, or the rows of one part of it. */
  async runInBox({ file, part }: BoxRun): Promise<TestOutcome[]> {
    const name = part === undefined ? file : `${file}, part ${part}`;
    const report = `${this.#options.folder}/${name.replaceAll(/[^\w.]+/g, "-")}.xml`;
    const command = [Deno.execPath(), "test", ...this.#testArgs(report), file];
    const env = { ...this.#environment(), ...(part === undefined ? {} : { REAGENT_FAULTS_PART: part }) };
    await using box = await Box.start(command, { cwd: projectRoot, env, output: "piped" });
    return await this.#follow(box, { name, files: [file], report, kill: () => box[Symbol.asyncDispose]() });
  }

  /** Ends all runs in progress. */
  async kill(): Promise<void> {
    await Promise.allSettled([...this.#running].map((run) => run.kill()));
  }

  /** Waits for a run, kills it at the limit, and prints one line, or all of its output when it failed. */
  async #follow(process: TestProcess, run: TestRun): Promise<TestOutcome[]> {
    const startedMs = performance.now();
    let killedBecause: string | undefined;
    const ownLimitMs = this.#options.isNightly ? nightlyLimitMs : limitMs;
    const timer = setTimeout(() => {
      killedBecause = `It took longer than ${ownLimitMs / 1000} s and was killed`;
      run.kill();
    }, ownLimitMs);
    this.#running.add(run);
    try {
      const [output, errors, { success }] = await Promise.all([
        new Response(process.stdout).text(),
        new Response(process.stderr).text(),
        process.status,
      ]);
      const text = errors + output;
      const outcomes = judgeRun(run.files, {
        ...{ xml: await readTextIfThere(run.report) ?? "", success, output: text },
        ...(killedBecause === undefined ? {} : { killedBecause }),
      });
      const count = (kind: TestOutcome["kind"]) => outcomes.filter((outcome) => outcome.kind === kind).length;
      const [passed, failed] = [count("passed"), count("failed")];
      if (failed > 0) this.#options.say([text.trimEnd(), ...(killedBecause ? [killedBecause] : [])].join("\n"));
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      const verdict = failed > 0 ? "FAILED" : "ok    ";
      this.#options.say(`${verdict} ${run.name}: ${passed} passed, ${failed} failed (${seconds} s)`);
      return outcomes;
    } finally {
      clearTimeout(timer);
      this.#running.delete(run);
    }
  }

  #environment(): Record<string, string> {
    return {
      NO_COLOR: "1",
      ...(this.#options.isNightly ? { REAGENT_FAULTS: Deno.env.get("REAGENT_FAULTS") || "all" } : {}),
    };
  }

  #testArgs(report: string): string[] {
    const { coverage } = this.#options;
    return [
      ...["--no-prompt", "-P", "--quiet", "--no-check", withInstalledPackages, `--junit-path=${report}`],
      ...(coverage === undefined ? [] : [`--coverage=${coverage}`, "--coverage-raw-data-only"]),
    ];
  }
}
