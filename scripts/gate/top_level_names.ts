/** Checks that no two files define the same top-level name. Pure. */

import type { SourceFile } from "./imports.ts";

/** Names that several files may define, each with the reason. */
export const sharedNames: Readonly<Record<string, string>> = {};

/** One sentence for each name that several files define, and for each entry of the list that is not needed. */
export function findSharedNames(
  files: readonly SourceFile[],
  allowed: Readonly<Record<string, string>> = sharedNames,
): string[] {
  const places = new Map<string, string[]>();
  for (const file of files) {
    for (const name of topLevelNames(file.text)) {
      const known = places.get(name) ?? [];
      places.set(name, [...known, file.path]);
    }
  }
  const shared = [...places].filter(([, paths]) => paths.length > 1);
  const violations = shared.filter(([name]) => allowed[name] === undefined)
    .map(([name, paths]) => `${name} is defined in ${paths.join(" and ")}`);
  const unneeded = Object.keys(allowed).filter((name) => !shared.some(([other]) => other === name));
  return [...violations.sort(), ...unneeded.map((name) => `${name} is listed as a shared name and is not shared`)];
}

/** The names that a formatted file declares at its top level, each once. */
export function topLevelNames(text: string): string[] {
  const pattern =
    /^(?:export )?(?:default )?(?:declare )?(?:async |abstract )?(?:function\*? |class |interface |type |enum |const |let )([A-Za-z_$][\w$]*)/gm;
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
}
