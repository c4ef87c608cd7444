/** Checks that a name means one thing: no two files of `lib/` define the same name at their top level. Pure. */

import type { SourceFile } from "./imports.ts";

/** Names that several files may define, each with the reason. */
export const sharedNames: Readonly<Record<string, string>> = {};

/** One sentence for each name that more than one file defines, and for each allowance that is not needed. */
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
  const faults = shared.filter(([name]) => allowed[name] === undefined)
    .map(([name, paths]) => `${name} is defined in ${paths.join(" and ")}`);
  const unneeded = Object.keys(allowed).filter((name) => !shared.some(([other]) => other === name));
  return [...faults.sort(), ...unneeded.map((name) => `${name} is allowed twice and is not defined twice`)];
}

/** The names that a formatted file declares at its top level, each once. */
export function topLevelNames(text: string): string[] {
  const pattern =
    /^(?:export )?(?:default )?(?:declare )?(?:async |abstract )?(?:function\*? |class |interface |type |enum |const |let )([A-Za-z_$][\w$]*)/gm;
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))];
}
