/** Reads the packages in the bundle of a program. */

import { isDict, parseJson } from "../../../lib/base/json.ts";
import { projectRoot } from "../../paths.ts";
import { plainBundleArgs } from "../plan.ts";
import { addonPackages } from "../pty_addons.ts";
import { runRuntime } from "../runtime_command.ts";
import { type BundledPackage, describePackage, findPackages, type PackageFacts } from "./packages.ts";

/**
 * The packages of the program with this entry module: those from which at least one module gets into the bundle. Throws
 * when it cannot be bundled.
 */
export async function readPackages(
  entry: string,
  { environment }: { environment: Readonly<Record<string, string>> },
): Promise<PackageFacts[]> {
  const folder = await Deno.makeTempDir({ prefix: "reagent-sbom-" });
  try {
    const args = plainBundleArgs(entry, `${folder}/plain.js`);
    const ended = await runRuntime(args, { environment });
    if (!ended.success) throw new Error(`Cannot list the packages: ${ended.text.slice(-500)}`);
    const lock = await Deno.readTextFile(`${projectRoot}deno.lock`);
    const bundle = await Deno.readTextFile(`${folder}/plain.js`);
    const found = [...findPackages(bundle), ...await Promise.all(addonPackages(bundle).map(findAddon))];
    return await Promise.all(found.map(async (one) => {
      const packageJson = await Deno.readTextFile(`${projectRoot}${one.folder}/package.json`);
      return describePackage(one, { packageJson, lock });
    }));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A package that brings an addon and no module. */
async function findAddon(name: string): Promise<BundledPackage> {
  const folder = `node_modules/${name}`;
  const own = parseJson(await Deno.readTextFile(`${projectRoot}${folder}/package.json`));
  return { name, folder, version: isDict(own) ? String(own.version) : "" };
}
