/** Finds the packages in a bundle, and what their files and the lock say about them. Pure. */

import { isDict, parseJson } from "../../../lib/base/json.ts";

/** A package of the bundle. */
export interface BundledPackage {
  name: string;
  version: string;
  /** Its folder, from the project's. */
  folder: string;
}

/** What a package says about itself. */
export interface PackageFacts extends BundledPackage {
  license?: string;
  description?: string;
  /** The names of the packages that it uses. */
  uses: readonly string[];
  /** Of the archive in the registry: `sha512-…` in base64. */
  integrity?: string;
}

/** The packages whose modules are in a bundle that is not minified, by name. */
export function findPackages(bundle: string): BundledPackage[] {
  const path = /^ *\/\/ (node_modules\/\.deno\/([^/]+)\/node_modules\/((?:@[^/]+\/)?[^/]+))\//gm;
  const found = new Map<string, BundledPackage>();
  for (const [, folder = "", entry = "", name = ""] of bundle.matchAll(path)) {
    const version = /@(\d[^@_]*)(?:_[^/]*)?$/.exec(entry)?.[1] ?? "";
    found.set(`${name}@${version}`, { name, version, folder });
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** Adds what the package.json of the package and the lock file of the project say. */
export function describePackage(
  found: BundledPackage,
  { packageJson, lock }: { packageJson: string; lock: string },
): PackageFacts {
  const own = parseJson(packageJson);
  const fields = isDict(own) ? own : {};
  const locked = parseJson(lock);
  const npm = isDict(locked) && isDict(locked.npm) ? locked.npm : {};
  const entry = npm[`${found.name}@${found.version}`];
  const integrity = isDict(entry) ? entry.integrity : undefined;
  return {
    ...found,
    uses: isDict(fields.dependencies) ? Object.keys(fields.dependencies) : [],
    ...(typeof fields.license === "string" ? { license: fields.license } : {}),
    ...(typeof fields.description === "string" ? { description: fields.description } : {}),
    ...(typeof integrity === "string" ? { integrity } : {}),
  };
}
