/** The size of the program that an executable embeds, and the number of its modules. */

import { brotliCompressSync } from "node:zlib";
import type { Samples } from "../results.ts";
import { projectRoot } from "../../paths.ts";

/** Measures the rows of the group `payload`. */
export async function measurePayload(): Promise<Samples> {
  const bundle = await Deno.readFile(`${projectRoot}build/reagent.js`);
  const modules = countModules(await bundleUnminified());
  return {
    "payload.bytes": { values: [bundle.length] },
    "payload.brotli": { values: [brotliCompressSync(bundle).length] },
    "payload.modules": { values: [modules] },
  };
}

/** Counts the modules of a bundle that is not minified, which names each on a line. Pure. */
export function countModules(bundle: string): number {
  const named = [...bundle.matchAll(/^\/\/ (\S+\.[cm]?[jt]sx?|\S+\.json)$/gm)].map(([, path]) => path);
  if (named.length === 0) throw new RangeError("The bundle names no modules");
  return new Set(named).size;
}

async function bundleUnminified(): Promise<string> {
  const output = await Deno.makeTempFile({ prefix: "b-", suffix: ".js" });
  try {
    const args = ["bundle", "--quiet", "--output", output, "main.ts"];
    const ended = await new Deno.Command(Deno.execPath(), { args, cwd: projectRoot, stdin: "null" }).output();
    if (!ended.success) throw new Error(`Cannot bundle: ${new TextDecoder().decode(ended.stderr)}`);
    return await Deno.readTextFile(output);
  } finally {
    await Deno.remove(output);
  }
}
