/**
 * `deno task build [--bundle-only | os/arch …]`: makes build/reagent.js, one minified script, and an executable for
 * each line of the file `targets`. Ends with 0 only when everything that was asked for is there. DENORT_BIN names a
 * base executable that is used instead of a downloaded one; then only the target of its platform is built by default.
 */

import { headBytes, platformOf } from "./build/base_executable.ts";
import {
  type BaseExecutable,
  bundleArgs,
  bundleRunArgs,
  compileArgs,
  explainFailure,
  planTargets,
  readWish,
} from "./build/plan.ts";
import type { Step, Wish } from "./build/plan.ts";
import { readTargets, type Target } from "./build/target.ts";
import { removeIfThere } from "./files.ts";
import { projectRoot } from "./paths.ts";

/** What a build works on. */
export interface BuildOptions {
  /** The main module; the permissions come from the deno.json of its project. */
  entry: string;
  /** Gets the results; made when missing. */
  folder: string;
  /** Text of the file `targets`. */
  targets: string;
  /** The variables that the commands see. */
  environment: Readonly<Record<string, string>>;
  /** Arguments with which the bundle is run once when it is made, and ends with 0; it is not run without them. */
  trial?: readonly string[];
  /** Prints a line. */
  say(text: string): void;
}

const usage = "Usage: deno task build [--bundle-only | os/arch …]";

/** Runs a build and gives its exit code: 0 all is there, 1 something is missing, 2 the arguments are wrong. */
export async function build(args: readonly string[], options: BuildOptions): Promise<number> {
  const wish = readWish(args);
  if (wish === undefined) {
    options.say(usage);
    return 2;
  }
  const targets = readTargets(options.targets);
  const steps = planTargets(targets, { wish, base: await readBase(options.environment.DENORT_BIN) });
  await Deno.mkdir(options.folder, { recursive: true });
  await removeOlder(targets, { wish, folder: options.folder });
  let missing = await makeBundle(options) ? 0 : 1;
  for (const step of steps) if (!await takeStep(step, options)) missing += 1;
  const wanted = 1 + steps.filter((step) => step.kind !== "leaveOut").length;
  if (missing > 0) options.say(`${missing} of ${wanted} results are missing`);
  return missing === 0 ? 0 : 1;
}

/** What an earlier build has left must not be taken for a result of this one. */
async function removeOlder(
  targets: readonly Target[],
  { wish, folder }: { wish: Wish; folder: string },
): Promise<void> {
  await removeIfThere(`${folder}/reagent.js`);
  if (wish.bundleOnly) return;
  for (const { name, file } of targets) {
    if (wish.names.length === 0 || wish.names.includes(name)) await removeIfThere(`${folder}/${file}`);
  }
}

/** A base executable that cannot be read is one of no platform: the plan says so for each target. */
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
 * The first start of a new script takes 16 MiB more, because the runtime looks for what it imports, and remembers that.
 */
async function tryBundle(bundle: string, { trial, environment, say }: BuildOptions): Promise<boolean> {
  if (trial === undefined) return true;
  const { success, text } = await runRuntime([...bundleRunArgs(bundle), ...trial], { environment, isBaseGiven: false });
  if (!success) say(`FAILED bundle: it does not run: ${explainFailure(text)}`);
  return success;
}

async function takeStep(step: Step, options: BuildOptions): Promise<boolean> {
  switch (step.kind) {
    case "refuse":
      options.say(`FAILED ${step.name}: ${step.because}`);
      return false;
    case "leaveOut":
      options.say(`-      ${step.target.name}: left out, ${step.because}`);
      return true;
    case "compile": {
      const { target } = step;
      const output = `${options.folder}/${target.file}`;
      const args = compileArgs(options.entry, { target, output });
      return await make(output, { args, name: target.name, options, isBaseGiven: step.base === "given" });
    }
  }
}

/** Runs one command of the runtime and says how it ended, with the sizes of its result. */
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

/** A base executable of another platform must not be seen at all. */
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
