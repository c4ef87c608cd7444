/**
 * The packages of this project, and how a program is run with them.
 *
 * `deno task` installs what is missing. Without `withInstalledPackages` every other process of the runtime that imports
 * a package writes the linked folder (`links` in `deno.json`) anew, and one that starts in this moment misses it: its
 * imports fail with "Cannot find module 'readable-stream'".
 */

import { readTextIfThere } from "./files.ts";
import { projectRoot } from "./paths.ts";
import { mustRun } from "./programs.ts";

/** A setting of the runtime: packages are taken as they are installed. */
export const withInstalledPackages = "--node-modules-dir=manual";

const definitions = ["deno.json", "deno.lock", "package.json"];

/** Installs the packages, unless this has been done since their list changed. */
export async function installNpmPackages(say: (text: string) => void): Promise<void> {
  const texts = await Promise.all(definitions.map((name) => Deno.readTextFile(`${projectRoot}${name}`)));
  const wanted = texts.join("\n");
  const noteFile = `${projectRoot}node_modules/.reagent_installed`;
  if (await readTextIfThere(noteFile) === wanted) return;
  const args = ["install", "--quiet", "--frozen"];
  const { stderr } = await mustRun(Deno.execPath(), args, { cwd: projectRoot, env: { NO_COLOR: "1" } });
  if (stderr.includes("Downloading")) say("installed the project's packages");
  await Deno.writeTextFile(noteFile, wanted);
}
