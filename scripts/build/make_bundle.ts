/** Makes the bundle, which is the code of every result. */

import { withUpdateKeys } from "./keys.ts";
import { withHeader } from "./launcher.ts";
import { measure } from "./measure.ts";
import type { BuildOptions } from "./options.ts";
import { bundleArgs, bundleRunArgs, explainFailure } from "./plan.ts";
import { withPtyAddons } from "./pty_addons.ts";
import { runRuntime } from "./runtime_command.ts";
import { trialProblem } from "./trial.ts";

/** The file name of the bundle, which log lines name as the caller. */
export const bundleName = "reagent.js";

/**
 * Makes the bundle in the folder of the results, with these update keys, and tries it. Returns whether it is there and
 * runs.
 */
export async function makeBundle(options: BuildOptions & { updateKeyLines: readonly string[] }): Promise<boolean> {
  const { entry, folder, environment, say, updateKeyLines } = options;
  const output = `${folder}/${bundleName}`;
  // The bundler adds what packages need only to a file of this kind.
  const partial = `${folder}/reagent.partial.js`;
  const ended = await runRuntime(bundleArgs(entry, partial), { environment });
  if (!ended.success) {
    say(`FAILED bundle: ${explainFailure(ended.text)}`);
    return false;
  }
  const code = withUpdateKeys(await Deno.readTextFile(partial), updateKeyLines);
  await Deno.remove(partial);
  if (code === undefined) {
    say("FAILED bundle: it has no place for the update keys");
    return false;
  }
  await Deno.writeTextFile(output, withHeader(await withPtyAddons(code)), { mode: 0o755 });
  say(`ok     bundle: ${await measure(output)}`);
  return await tryBundle(output, options);
}

/**
 * Runs the bundle once. The first start of a new script takes 16 MiB more, because the runtime analyses its imports,
 * and caches the result.
 */
async function tryBundle(bundle: string, { trial, environment, say }: BuildOptions): Promise<boolean> {
  if (trial === undefined) return true;
  const ended = await runRuntime([...bundleRunArgs(bundle), ...trial.args], { environment });
  const problem = trialProblem(ended, trial);
  if (problem !== undefined) say(`FAILED bundle: it does not run: ${problem}`);
  return problem === undefined;
}
