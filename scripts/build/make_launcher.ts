/** Makes `build/reagent`: the program that runs on this machine, whatever there is to make it from. */

import { bundleName } from "./make_bundle.ts";
import { withHeader } from "./launcher.ts";
import type { BuildOptions } from "./options.ts";
import type { Target } from "./target.ts";

/** Its file name. */
export const programName = "reagent";

/**
 * Copies the executable of this machine, or without one writes a launcher: the bundle with a header that starts it on
 * an installed runtime. A launcher also knows the runtime of this build.
 */
export async function makeProgram({ folder, say }: BuildOptions, own: Target | undefined): Promise<void> {
  const output = `${folder}/${programName}`;
  if (own !== undefined) {
    await Deno.copyFile(`${folder}/${own.file}`, output);
    say(`ok     program: ${output}, a copy of ${own.file}`);
    return;
  }
  const [hashbang, , ...code] = (await Deno.readTextFile(`${folder}/${bundleName}`)).split("\n");
  if (hashbang === undefined) throw new Error(`Cannot make a launcher: "${folder}/${bundleName}" has no header`);
  await Deno.writeTextFile(output, withHeader(code.join("\n"), { runtime: Deno.execPath() }));
  await Deno.chmod(output, 0o755);
  say(`ok     program: ${output}, a launcher that needs an installed runtime`);
}
