/** Decides which test files run, and where. Pure. */

import { allParts, type MissingParts, type PartName } from "../testbed/setup/install_parts.ts";

/** A test file as it was found. */
export interface TestFile {
  path: string;
  firstLine: string;
}

/** What the user asked for: parts of paths (none: everything) and one of the two kinds of tests. */
export interface Wish {
  substrings: readonly string[];
  only?: "unit" | "box";
}

/** Which files run outside, which in a box of their own, and which cannot run, with the reason. */
export interface Selection {
  unit: string[];
  box: string[];
  skipped: { path: string; reason: string }[];
}

/**
 * The real parts a file needs; nothing for a file that runs outside a box. Files in `tests/e2e/` need all. Others say
 * so in their first line: `// box` and the parts, or all of them when none is named.
 */
export function neededParts(file: TestFile): PartName[] | undefined {
  const match = /^\/\/ box\b(.*)$/.exec(file.firstLine);
  if (match === null) return file.path.startsWith("tests/e2e/") ? [...allParts] : undefined;
  const words = (match[1] ?? "").split(/[^a-z]+/).filter((word) => word !== "");
  const unknown = words.find((word) => !allParts.some((part) => part === word));
  if (unknown !== undefined) {
    throw new Error(`${file.path}: there is no part "${unknown}"; the parts: ${allParts.join(" ")}`);
  }
  const named = allParts.filter((part) => words.includes(part));
  return named.length === 0 ? [...allParts] : [...new Set<PartName>(["box", ...named])];
}

/**
 * Sorts the files by where they run. Those in boxes come longest first, by the milliseconds they took the last time.
 */
export function selectFiles(
  files: readonly TestFile[],
  options: { wish: Wish; missing: MissingParts; lastMs: Readonly<Record<string, number>> },
): Selection {
  const { wish, missing, lastMs } = options;
  const selection: Selection = { unit: [], box: [], skipped: [] };
  for (const file of files) {
    if (wish.substrings.length > 0 && !wish.substrings.some((part) => file.path.includes(part))) continue;
    const parts = neededParts(file);
    if (wish.only !== undefined && wish.only !== (parts === undefined ? "unit" : "box")) continue;
    const lacking = parts?.find((part) => missing.has(part));
    if (lacking !== undefined) {
      selection.skipped.push({ path: file.path, reason: `no ${lacking}: ${missing.get(lacking)}` });
    } else (parts === undefined ? selection.unit : selection.box).push(file.path);
  }
  const unknownMs = 60_000;
  selection.unit.sort();
  selection.box.sort((a, b) => (lastMs[b] ?? unknownMs) - (lastMs[a] ?? unknownMs) || (a < b ? -1 : 1));
  return selection;
}
