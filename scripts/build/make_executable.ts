/** Makes the executable of one target. */

import { removeIfThere } from "../files.ts";
import { bundleName } from "./make_bundle.ts";
import { makeParts } from "./make_parts.ts";
import { measure } from "./measure.ts";
import type { BuildOptions } from "./options.ts";
import { type BuildStep, compileArgs, explainFailure } from "./plan.ts";
import { runRuntime, tryProgram } from "./runtime_command.ts";
import { ownPlatform } from "./target.ts";
import { trialProblem } from "./trial.ts";

/**
 * Puts the bundle into an executable. The one for this machine is run once, and removed when it does not start, so that
 * nobody can ship it. Returns whether it is there.
 */
export async function makeExecutable(
  { target, base }: Extract<BuildStep, { kind: "compile" }>,
  options: BuildOptions,
): Promise<boolean> {
  const { folder, environment, say } = options;
  const output = `${folder}/${target.file}`;
  const parts = await makeParts(target, options);
  if (parts === undefined) {
    say(`FAILED ${target.name}: a part of it is missing`);
    return false;
  }
  const args = compileArgs(`${folder}/${bundleName}`, { target, output, parts });
  const ended = await runRuntime(args, { environment, isBaseGiven: base === "given" });
  if (!ended.success) {
    say(`FAILED ${target.name}: ${explainFailure(ended.text)}`);
    return false;
  }
  const problem = target.name === ownPlatform() ? await problemOf(output, options) : undefined;
  if (problem !== undefined) {
    await removeIfThere(output);
    say(`FAILED ${target.name}: it does not start: ${problem}`);
    return false;
  }
  say(`ok     ${target.name}: ${await measure(output)}`);
  return true;
}

async function problemOf(program: string, { trial, environment }: BuildOptions): Promise<string | undefined> {
  if (trial === undefined) return undefined;
  return trialProblem(await tryProgram(program, { args: trial.args, environment }), trial);
}
