/** Checks that no files import each other in a circle. Pure. */

import { importedFiles, type SourceFile } from "./imports.ts";

/** One sentence for each circle, found by its first file; imports of types count. Empty when there is none. */
export function findCycles(files: readonly SourceFile[]): string[] {
  const graph = new Map(files.map((file) => [file.path, importedFiles(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]) => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" → "));
    if (start >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles.map((cycle) => `Imports run in a circle: ${cycle}`);
}
