/** Builds the tunnel client and its server from the pinned module, once for each platform and machine. */

import { isInstalled, markInstalled, type PartsFolder } from "../testbed/setup/folder.ts";
import { removeIfThere } from "../files.ts";
import { pathOf } from "../paths.ts";
import { mustRun } from "../programs.ts";
import { sha256OfFile } from "../sha256.ts";
import { buildArguments, frpFile, type FrpProgram, goPlatform } from "./recipe.ts";
import { findGo } from "./toolchain.ts";

/** The folder of the module, which names frp as a tool. */
export const moduleFolder: string = pathOf(".", import.meta.url);

/** What to build, and for which platform: `linux/amd64`. */
export interface WantedProgram {
  program: FrpProgram;
  platform: string;
}

/**
 * The path of the program, which is built when it is not there yet; that takes about a minute for the first one. Its
 * sources and everything that Go writes stay in the folder of the parts. Whoever comes while it is being built waits.
 * Throws with the reason on failure.
 */
export async function buildProgram(
  { program, platform }: WantedProgram,
  { parts, say }: { parts: PartsFolder; say(text: string): void },
): Promise<string> {
  const output = `${parts.frp}/${frpFile(program, platform)}`;
  const recipe = await readRecipe(program);
  // What is there may be used where nothing can be written.
  if (await isInstalled(parts.frp, recipe) && await isFile(output)) return output;
  await Deno.mkdir(parts.root, { recursive: true });
  using lock = await Deno.open(`${parts.root}/.frp-lock`, { create: true, write: true });
  await lock.lock(true);
  await prepareFolder(parts, recipe);
  if (!await isFile(output)) await runGo({ program, platform }, { output, parts, say });
  return output;
}

async function runGo(
  { program, platform }: WantedProgram,
  { output, parts, say }: { output: string; parts: PartsFolder; say(text: string): void },
): Promise<void> {
  const go = await findGo(parts, say);
  say(`building ${program} for ${platform} (about a minute for the first one)`);
  const partial = `${output}.partial-${Deno.pid}`;
  await mustRun(go, buildArguments(program, partial), {
    cwd: moduleFolder,
    env: {
      ...goPlatform(platform),
      CGO_ENABLED: "0",
      GOFLAGS: "-modcacherw",
      GOTOOLCHAIN: "local",
      GOMODCACHE: `${parts.goCache}/modules`,
      GOCACHE: `${parts.goCache}/build`,
    },
  });
  await Deno.rename(partial, output);
}

async function readRecipe(program: FrpProgram): Promise<string> {
  const sums = await Promise.all(["go.mod", "go.sum"].map((name) => sha256OfFile(`${moduleFolder}/${name}`)));
  return [...sums, ...buildArguments(program, "").slice(0, 6)].join(" ");
}

/** Empties the folder when what is in it was built by another recipe. */
async function prepareFolder(parts: PartsFolder, recipe: string): Promise<void> {
  if (await isInstalled(parts.frp, recipe)) return;
  await removeIfThere(parts.frp);
  await Deno.mkdir(parts.frp, { recursive: true });
  await markInstalled(parts.frp, recipe);
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    // It is not there yet.
    return false;
  }
}
