/** Makes the parts that belong to the executable of a target. */

import { textOf } from "../../lib/base/errors.ts";
import type { BuildOptions } from "./options.ts";
import type { Target } from "./target.ts";

/**
 * Makes all parts for a target that it has and returns their paths; undefined when one is missing, which is printed.
 */
export async function makeParts(
  target: Pick<Target, "name">,
  { parts = [], folder, environment, say }: BuildOptions,
): Promise<string[] | undefined> {
  const paths: string[] = [];
  for (const part of parts) {
    const file = part.fileFor(target);
    if (file === undefined) continue;
    try {
      await part.make(target, { folder, environment, say });
      paths.push(`${folder}/${file}`);
      say(
        `ok     ${part.name} for ${target.name}: ${folder}/${file}, ${
          (await Deno.stat(`${folder}/${file}`)).size
        } bytes`,
      );
    } catch (error) {
      say(`FAILED ${part.name} for ${target.name}: ${textOf(error)}`);
      return undefined;
    }
  }
  return paths;
}
