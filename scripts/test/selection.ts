/** Decides which test files run, and where. Pure. */

import { allParts, type MissingParts, type PartName, usualParts } from "../testbed/setup/install_parts.ts";

/** A test file. */
export interface TestFile {
  /** From the project's root. */
  path: string;
  firstLine: string;
}

/** Limits a run to files whose path contains one of the substrings (if any is given), and to one kind of tests. */
export interface Filter {
  substrings: readonly string[];
  only?: "unit" | "box";
}

/** Which files run as unit tests, which in a box of their own, and which cannot run, with the reason. */
export interface Selection {
  unit: string[];
  box: string[];
  skipped: { path: string; reason: string }[];
}

/**
 * The real parts a file needs; undefined for unit tests. Files in `tests/e2e/` need the usual ones. Others name them in
 * their first line: `// box` and the parts, or just `// box` for the usual ones.
 */
export function neededParts(file: TestFile): PartName[] | undefined {
  const match = /^\/\/ box\b(.*)$/.exec(file.firstLine);
  if (match === null) return file.path.startsWith("tests/e2e/") ? [...usualParts] : undefined;
  const words = (match[1] ?? "").split(/[^a-z]+/).filter((word) => word !== "");
  const unknown = words.find((word) => !allParts.some((part) => part === word));
  if (unknown !== undefined) {
    throw new Error(`${file.path}: there is no part "${unknown}"; the parts: ${allParts.join(" ")}`);
  }
  const named = allParts.filter((part) => words.includes(part));
  return named.length === 0 ? [...usualParts] : [...new Set<PartName>(["box", ...named])];
}

/** What a file that has never run on this machine is taken to need: the fault tables are the longest. */
function unknownMs(path: string): number {
  return path.startsWith("tests/fault/") ? 120_000 : path.startsWith("tests/e2e/") ? 60_000 : 30_000;
}

/**
 * Decides where each file runs. Those in boxes come longest first, by the milliseconds they took the last time, so that
 * no long one runs alone at the end.
 */
export function selectFiles(
  files: readonly TestFile[],
  options: { filter: Filter; missing: MissingParts; lastMs: Readonly<Record<string, number>> },
): Selection {
  const { filter, missing, lastMs } = options;
  const selection: Selection = { unit: [], box: [], skipped: [] };
  for (const file of files) {
    if (filter.substrings.length > 0 && !filter.substrings.some((text) => file.path.includes(text))) continue;
    const parts = neededParts(file);
    if (filter.only !== undefined && filter.only !== (parts === undefined ? "unit" : "box")) continue;
    const lacking = parts?.find((part) => missing.has(part));
    if (lacking !== undefined) {
      selection.skipped.push({ path: file.path, reason: `no ${lacking}: ${missing.get(lacking)}` });
    } else (parts === undefined ? selection.unit : selection.box).push(file.path);
  }
  selection.unit.sort();
  const expectedMs = (path: string) => lastMs[path] ?? unknownMs(path);
  selection.box.sort((a, b) => expectedMs(b) - expectedMs(a) || (a < b ? -1 : 1));
  return selection;
}
