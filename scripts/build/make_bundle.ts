/** Makes the bundle, which is the code of every result. */

import { textOf } from "../../lib/base/errors.ts";
import { removeIfThere } from "../files.ts";
import { asAscii } from "./ascii.ts";
import { countUsing, markUsing, unmarkUsing } from "./keep_using.ts";
import { withUpdateKeys } from "./keys.ts";
import { withHeader } from "./launcher.ts";
import { measure } from "./measure.ts";
import { withoutModuleNames } from "./module_names.ts";
import type { BuildOptions } from "./options.ts";
import { bundleArgs, bundleRunArgs, explainFailure, plainBundleArgs } from "./plan.ts";
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
  const { folder, say, updateKeyLines } = options;
  const output = `${folder}/${bundleName}`;
  const minified = await minify(options);
  if (minified === undefined) return false;
  const code = withUpdateKeys(asAscii(minified), updateKeyLines);
  if (code === undefined) {
    say("FAILED bundle: it has no place for the update keys");
    return false;
  }
  await Deno.writeTextFile(output, withHeader(await withPtyAddons(code)), { mode: 0o755 });
  say(`ok     bundle: ${await measure(output)}`);
  return await tryBundle(output, options);
}

/**
 * The minified code; undefined when it cannot be made, which was said. In two steps: see `keep_using.ts` and
 * `module_names.ts`.
 */
async function minify({ entry, folder, environment, say }: BuildOptions): Promise<string | undefined> {
  // The bundler adds what packages need only to files of this kind.
  const [plain, partial] = [`${folder}/reagent.plain.js`, `${folder}/reagent.partial.js`];
  try {
    for (const args of [plainBundleArgs(entry, plain), bundleArgs(plain, partial)]) {
      const ended = await runRuntime(args, { environment });
      if (!ended.success) {
        say(`FAILED bundle: ${explainFailure(ended.text)}`);
        return undefined;
      }
      if (args.at(-1) !== entry) continue;
      await Deno.writeTextFile(plain, markUsing(withoutModuleNames(await Deno.readTextFile(plain))));
    }
    return unmarkUsing(await Deno.readTextFile(partial), countUsing(await Deno.readTextFile(plain)));
  } catch (error) {
    say(`FAILED bundle: ${textOf(error)}`);
    return undefined;
  } finally {
    for (const path of [plain, partial]) await removeIfThere(path);
  }
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
