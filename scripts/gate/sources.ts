/** Reads the source files that the gate checks. */

import { projectRoot } from "../paths.ts";
import type { SourceFile } from "./imports.ts";

/** The TypeScript files at and below the given paths, which start at the project's folder; sorted by path. */
export async function readSources(paths: readonly string[]): Promise<SourceFile[]> {
  const files = await Promise.all(paths.map(readBelow));
  return files.flat().sort((a, b) => a.path < b.path ? -1 : 1);
}

async function readBelow(path: string): Promise<SourceFile[]> {
  if (path.endsWith(".ts")) return [{ path, text: await Deno.readTextFile(`${projectRoot}${path}`) }];
  const entries = await Array.fromAsync(Deno.readDir(`${projectRoot}${path}`));
  const inner = entries.filter(({ name, isDirectory }) => isDirectory || name.endsWith(".ts"));
  return await readSources(inner.map(({ name }) => `${path}/${name}`));
}
