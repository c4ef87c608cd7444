/**
 * `deno task build [--docker] [--bundle-only | os/arch …]`: makes build/reagent.js, one minified script, from it an
 * executable for each line of the file `targets`, and build/reagent, which runs on this machine. Ends with 0 only when
 * everything requested was made. DENORT_BIN names a base executable to use instead of a downloaded one; then only the
 * target of its platform is built by default. --docker-image makes the agent's image of the results.
 */

import { textOf } from "../lib/base/errors.ts";
import project from "../deno.json" with { type: "json" };
import { type BuildArguments, buildUsage, readBuildArguments } from "./build/arguments.ts";
import { removeResult, sumsName } from "./build/attach.ts";
import { attachAll } from "./build/attach_all.ts";
import { buildInDocker } from "./build/in_docker.ts";
import { type BuildKeys, readBuildKeys } from "./build/keys.ts";
import { bundleName, makeBundle } from "./build/make_bundle.ts";
import { embeddedParts } from "./build/embedded_parts.ts";
import { makeExecutable } from "./build/make_executable.ts";
import { installScriptName, makeInstallScript } from "./build/make_install_script.ts";
import { makeImage } from "./build/make_image.ts";
import { makeParts } from "./build/make_parts.ts";
import { makeProgram, programName } from "./build/make_launcher.ts";
import type { BuildOptions } from "./build/options.ts";
import { type BuildStep, planTargets } from "./build/plan.ts";
import { readBase } from "./build/read_base.ts";
import { ownPlatform, readTargets, type Target } from "./build/target.ts";
import { removeIfThere } from "./files.ts";
import { createLineWriter } from "./line_output.ts";
import { projectRoot } from "./paths.ts";

/** Runs a build and returns its exit code: 0 for success, 1 when a result is missing, 2 for wrong arguments. */
export async function build(args: readonly string[], options: BuildOptions): Promise<number> {
  const wanted = readBuildArguments(args);
  if (wanted === undefined) {
    options.say(buildUsage);
    return 2;
  }
  const code = wanted.isInDocker
    ? await buildInDocker(wanted, { root: projectRoot, ...options })
    : await buildHere(wanted, options);
  if (code !== 0 || wanted.image === undefined) return code;
  return await makeImage(wanted.image, options) ? 0 : 1;
}

async function buildHere(wanted: BuildArguments, options: BuildOptions): Promise<number> {
  let keys: BuildKeys;
  try {
    keys = await readBuildKeys(wanted, options);
  } catch (error) {
    options.say(`FAILED keys: ${textOf(error)}`);
    return 1;
  }
  return await buildAll(wanted, { ...options, keys });
}

async function buildAll(wanted: BuildArguments, options: BuildOptions & { keys: BuildKeys }): Promise<number> {
  const { folder, keys, say } = options;
  const targets = readTargets(options.targets);
  const steps = planTargets(targets, { wanted, base: await readBase(options.environment.DENORT_BIN) });
  await Deno.mkdir(folder, { recursive: true });
  await removeOlder(targets, { wanted, ...options });
  const hasBundle = await makeBundle({ ...options, updateKeyLines: keys.updateKeyLines });
  const made: Target[] = [];
  let missing = hasBundle ? 0 : 1;
  for (const step of steps) {
    const isThere = await takeStep(step, { hasBundle, ...options });
    if (!isThere) missing += 1;
    else if (step.kind === "compile") made.push(step.target);
  }
  // For the launcher, unless it came with an executable.
  const own = { name: ownPlatform() };
  const hasOwnParts = made.some(({ name }) => name === own.name) || await makeParts(own, options) !== undefined;
  if (!hasOwnParts) missing += 1;
  if (hasBundle) await finish(made, options);
  const expected = 1 + (hasOwnParts ? 0 : 1) + steps.filter((step) => step.kind !== "skip").length;
  if (missing > 0) say(`${missing} of ${expected} results are missing`);
  return missing === 0 ? 0 : 1;
}

/** Makes what follows from the results that are there. */
async function finish(made: readonly Target[], options: BuildOptions & { keys: BuildKeys }): Promise<void> {
  const own = made.find(({ name }) => name === ownPlatform());
  await makeProgram(options, own);
  if (options.version === undefined) return;
  await makeInstallScript({ ...options, updateKeyLines: options.keys.updateKeyLines });
  await attachAll({ files: made.map(({ file }) => file), isLauncher: own === undefined }, {
    ...options,
    version: options.version,
  });
}

/** Results of an earlier build must not pass for those of this one. */
async function removeOlder(
  targets: readonly Target[],
  { wanted, folder, parts = [] }: BuildOptions & { wanted: BuildArguments },
): Promise<void> {
  const partsOf = (target: Pick<Target, "name">) => parts.flatMap((part) => part.fileFor(target) ?? []);
  for (const file of partsOf({ name: ownPlatform() })) await removeIfThere(`${folder}/${file}`);
  for (const name of [bundleName, programName]) await removeResult(`${folder}/${name}`);
  for (const name of [sumsName, installScriptName]) await removeIfThere(`${folder}/${name}`);
  if (wanted.bundleOnly) return;
  for (const target of targets) {
    if (wanted.names.length > 0 && !wanted.names.includes(target.name)) continue;
    await removeResult(`${folder}/${target.file}`);
    for (const file of partsOf(target)) await removeIfThere(`${folder}/${file}`);
  }
}

/** Returns whether the result is there, or need not be. */
async function takeStep(step: BuildStep, options: BuildOptions & { hasBundle: boolean }): Promise<boolean> {
  switch (step.kind) {
    case "refuse":
      options.say(`FAILED ${step.name}: ${step.because}`);
      return false;
    case "skip":
      options.say(`-      ${step.target.name}: skipped, ${step.because}`);
      return true;
    case "compile":
      if (options.hasBundle) return await makeExecutable(step, options);
      options.say(`FAILED ${step.target.name}: there is no bundle to put into it`);
      return false;
  }
}

if (import.meta.main) {
  Deno.exit(
    await build(Deno.args, {
      entry: `${projectRoot}main.ts`,
      folder: `${projectRoot}build`,
      targets: await Deno.readTextFile(`${projectRoot}targets`),
      environment: Deno.env.toObject(),
      version: project.version,
      parts: embeddedParts,
      trial: { args: ["-version"], prints: project.version },
      say: createLineWriter(Deno.stdout),
    }),
  );
}
