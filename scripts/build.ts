/**
 * `deno task build [--bundle-only | os/arch …]`: makes build/reagent.js, one minified script, and an executable for
 * each line of the file `targets`. Ends with 0 only when everything requested was made. DENORT_BIN names a base
 * executable to use instead of a downloaded one; then only the target of its platform is built by default.
 */

import { headBytes, platformOf } from "./build/base_executable.ts";
import {
  type BaseExecutable,
  bundleArgs,
  bundleRunArgs,
  compileArgs,
  explainFailure,
  planTargets,
  readBuildArguments,
} from "./build/plan.ts";
import type { BuildArguments, BuildStep } from "./build/plan.ts";
import { readTargets, type Target } from "./build/target.ts";
import { removeIfThere } from "./files.ts";
import { projectRoot } from "./paths.ts";

/** Input and output of a build. */
export interface BuildOptions {
  /** The main module; the permissions come from the deno.json next to it. */
  entry: string;
  /** Where the results go; created when missing. */
  folder: string;
  /** The text of the file `targets`. */
  targets: string;
  /** The environment of the commands. */
  environment: Readonly<Record<string, string>>;
  /** Arguments for a first run of the bundle, which must end with 0; without them the bundle is not run. */
  trial?: readonly string[];
  /** Prints a line. */
  say(text: string): void;
}

const usage = "Usage: deno task build [--bundle-only | os/arch …]";

/** Runs a build and returns its exit code: 0 for success, 1 when a result is missing, 2 for wrong arguments. */
export async function build(args: readonly string[], options: BuildOptions): Promise<number> {
  const wanted = readBuildArguments(args);
  if (wanted === undefined) {
    options.say(usage);
    return 2;
  }
  const targets = readTargets(options.targets);
  const steps = planTargets(targets, { wanted, base: await readBase(options.environment.DENORT_BIN) });
  await Deno.mkdir(options.folder, { recursive: true });
  await removeOlder(targets, { wanted, folder: options.folder });
  let missing = await makeBundle(options) ? 0 : 1;
  for (const step of steps) if (!await takeStep(step, options)) missing += 1;
  const expected = 1 + steps.filter((step) => step.kind !== "skip").length;
  if (missing > 0) options.say(`${missing} of ${expected} results are missing`);
  return missing === 0 ? 0 : 1;
}

/** Results of an earlier build must not pass for those of this one. */
async function removeOlder(
  targets: readonly Target[],
  { wanted, folder }: { wanted: BuildArguments; folder: string },
): Promise<void> {
  await removeIfThere(`${folder}/reagent.js`);
  if (wanted.bundleOnly) return;
  for (const { name, file } of targets) {
    if (wanted.names.length === 0 || wanted.names.includes(name)) await removeIfThere(`${folder}/${file}`);
  }
}

/** A base executable that cannot be read has no platform, and the plan refuses each target. */
async function readBase(path: string | undefined): Promise<BaseExecutable | undefined> {
  if (!path) return undefined;
  try {
    using file = await Deno.open(path);
    const head = new Uint8Array(headBytes);
    const count = await file.read(head);
    return { path, platform: platformOf(head.subarray(0, count ?? 0)) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return { path, platform: undefined };
    }
    throw error;
  }
}

async function makeBundle(options: BuildOptions): Promise<boolean> {
  const output = `${options.folder}/reagent.js`;
  const isMade = await make(output, { args: bundleArgs(options.entry, output), name: "bundle", options });
  return isMade && await tryBundle(output, options);
}

/**
 * Runs the bundle once. The first start of a new script takes 16 MiB more, because the runtime analyses its imports,
 * and caches the result.
 */
async function tryBundle(bundle: string, { trial, environment, say }: BuildOptions): Promise<boolean> {
  if (trial === undefined) return true;
  const { success, text } = await runRuntime([...bundleRunArgs(bundle), ...trial], { environment, isBaseGiven: false });
  if (!success) say(`FAILED bundle: it does not run: ${explainFailure(text)}`);
  return success;
}

async function takeStep(step: BuildStep, options: BuildOptions): Promise<boolean> {
  switch (step.kind) {
    case "refuse":
      options.say(`FAILED ${step.name}: ${step.because}`);
      return false;
    case "skip":
      options.say(`-      ${step.target.name}: skipped, ${step.because}`);
      return true;
    case "compile": {
      const { target } = step;
      const output = `${options.folder}/${target.file}`;
      const args = compileArgs(options.entry, { target, output });
      return await make(output, { args, name: target.name, options, isBaseGiven: step.base === "given" });
    }
  }
}

/** Runs a command of the runtime and prints the sizes of its result, or why it failed. */
async function make(
  output: string,
  command: { args: string[]; name: string; options: BuildOptions; isBaseGiven?: boolean },
): Promise<boolean> {
  const { args, name, options, isBaseGiven = false } = command;
  const ended = await runRuntime(args, { environment: options.environment, isBaseGiven });
  if (!ended.success) {
    options.say(`FAILED ${name}: ${explainFailure(ended.text)}`);
    return false;
  }
  const { bytes, gzipBytes } = await measure(output);
  options.say(`ok     ${name}: ${output}, ${bytes} bytes, ${gzipBytes} with gzip`);
  return true;
}

/** The runtime must not see the base executable of another platform. */
async function runRuntime(
  args: string[],
  options: { environment: Readonly<Record<string, string>>; isBaseGiven: boolean },
): Promise<{ success: boolean; text: string }> {
  const { DENORT_BIN, ...others } = options.environment;
  const env = { ...others, NO_COLOR: "1", ...(options.isBaseGiven && DENORT_BIN ? { DENORT_BIN } : {}) };
  const output = await new Deno.Command(Deno.execPath(), { args, cwd: projectRoot, env, clearEnv: true, stdin: "null" })
    .output();
  const decoder = new TextDecoder();
  return { success: output.success, text: decoder.decode(output.stdout) + decoder.decode(output.stderr) };
}

async function measure(path: string): Promise<{ bytes: number; gzipBytes: number }> {
  const { size } = await Deno.stat(path);
  const file = await Deno.open(path);
  let gzipBytes = 0;
  for await (const chunk of file.readable.pipeThrough(new CompressionStream("gzip"))) gzipBytes += chunk.length;
  return { bytes: size, gzipBytes };
}

if (import.meta.main) {
  const say = (text: string) => void Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  const targets = await Deno.readTextFile(`${projectRoot}targets`);
  const environment = Deno.env.toObject();
  const trial = ["-version"];
  Deno.exit(
    await build(Deno.args, {
      entry: `${projectRoot}main.ts`,
      folder: `${projectRoot}build`,
      targets,
      environment,
      trial,
      say,
    }),
  );
}
